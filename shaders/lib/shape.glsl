// The matmul's shape, chosen by the variant.
#ifndef X_ROW
#define X_ROW(t) (t)
#endif
#if defined(VEC)
#include "matvec.glsl"
#elif defined(COOP)
#include "coop.glsl"
#elif defined(TILED) && defined(INT8)
#include "tile_int8.glsl"
#elif defined(TILED)
#include "tile.glsl"
#endif
