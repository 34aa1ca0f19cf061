// How the cache stores keys and values. A head's vector takes p.hu uvec4, of KV_UNIT values each; q8 keeps a
// scale for each block of 32 values, the upper half of a float32. Those of keys and of values share a word, in a second plane
// of the keys, p.scales words into the shard.
#if defined(KV_F32)
#define KV_UNIT 4
#elif defined(KV_F16)
#define KV_UNIT 8
#elif defined(KV_Q8)
#define KV_UNIT 16
#endif
#define KV_XV (KV_UNIT / 4) // float vectors in a uvec4

float key_scale(uint two) { return uintBitsToFloat(two << 16); }
float value_scale(uint two) { return uintBitsToFloat(two & 0xffff0000u); }
vec4 kv_bytes(uint four) { return vec4(ivec4(int(four) << 24, int(four) << 16, int(four) << 8, int(four)) >> 24); }
