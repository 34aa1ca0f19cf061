// The product's shape, chosen by the variant.
#if defined(VEC)
#include "matvec.glsl"
#elif defined(TILED)
#include "tile.glsl"
#endif
