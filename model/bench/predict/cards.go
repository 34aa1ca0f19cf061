package predict

// What a unit has room for. NVIDIA: the table of technical specifications in the CUDA C++ Programming Guide, by compute capability; a lane has at
// most 255 registers, given out by 8. AMD: the RDNA instruction set guides (16 waves a SIMD, two SIMD a unit; registers of 32 lanes: 1024, or
// 1536 on Navi 31 and RDNA 4) and Mesa's ac_gpu_info for the grain at 64 lanes. Intel: threads of an execution unit, each with registers of its
// own, so that these limit nothing that does not spill. Adreno: Turnip says itself how many waves there is room for. Apple: 1024 threads at up to
// 112 half registers, 384 at 256 (Mesa's agx_occupancy), taken as a file of 416 KiB.
var (
	turing    = Room{Waves: 32, Groups: 16, Registers: 65536, Parts: 4, Grain: 8, Shared: 64 << 10}
	ampere    = Room{Waves: 48, Groups: 16, Registers: 65536, Parts: 4, Grain: 8, Shared: 100 << 10}
	ada       = Room{Waves: 48, Groups: 24, Registers: 65536, Parts: 4, Grain: 8, Shared: 100 << 10}
	blackwell = Room{Waves: 48, Groups: 24, Registers: 65536, Parts: 4, Grain: 8, Shared: 100 << 10}
	rdna      = Room{Waves: 32, Registers: 2 * 1024 * 32, Parts: 2, Grain: 8, Shared: 64 << 10}
	rdnaLarge = Room{Waves: 32, Registers: 2 * 1536 * 32, Parts: 2, Grain: 12, Shared: 64 << 10}
	xeLP      = Room{Waves: 16 * 7, Shared: 64 << 10}
	xeHPG     = Room{Waves: 16 * 8, Shared: 64 << 10}
	xe2       = Room{Waves: 8 * 8, Shared: 128 << 10}
	adreno    = Room{Shared: 32 << 10}
	agx       = Room{Waves: 32, Registers: 1024 * 112, Parts: 1, Grain: 8, Shared: 60 << 10}
)

// Cards have their vendors' published bandwidth, units and boost clock. The rate is that of 32-bit integers, which kernels of narrow weights
// mostly are: half of the floats' on NVIDIA before Blackwell.
//
// Latency: a chain of pointers took about 250 ns to memory on RTX 3090 and RX 6800 XT, an L2 hit on Ampere over 100 ns more than an L1 hit, on
// RDNA 2 about 66 ns more than an L0 hit (chipsandcheese.com, "Measuring GPU Memory Latency", 2021). Assumed: twice that for memory which is
// busy (500 ns), 150 ns and 100 ns for the cache; for Arc 800 ns and 200 ns, and for memory that a processor shares 800 ns and 150 ns, for want
// of figures that could be quoted.
//
// Launch: llama.cpp's own timings through Vulkan have 2.7 to 3.4 us for operations on a few kilobytes (ggml-org/llama.cpp pull request 18467), and
// 4.3 us for a norm of 5120 on an NVIDIA card (17701). So 3 us for NVIDIA and AMD; assumed: 5 us for Intel, Apple and Qualcomm.
var Cards = []Card{
	{"RTX 4060", "ad107", `RTX 4060( \(|$)`, 272e9, 24, 2.46, 64, 500, 150, 3, ada},
	{"RTX 4090", "ad102", `RTX 4090( \(|$)`, 1008e9, 128, 2.52, 64, 500, 150, 3, ada},
	{"RTX 3090", "ga102", `RTX 3090( \(|$)`, 936e9, 82, 1.695, 64, 500, 150, 3, ampere},
	{"RTX 5090", "gb202", `RTX 5090( \(|$)`, 1792e9, 170, 2.407, 128, 500, 150, 3, blackwell},
	{"RTX 2080 Ti", "tu102", `RTX 2080 Ti( \(|$)`, 616e9, 68, 1.545, 64, 500, 150, 3, turing},
	{"RX 7600", "navi33", `RX 7600( \(|$)`, 288e9, 32, 2.655, 64, 500, 100, 3, rdna},
	{"RX 7900 XTX", "navi31", `RX 7900 XTX( \(|$)`, 960e9, 96, 2.499, 64, 500, 100, 3, rdnaLarge},
	{"RX 6900 XT", "navi21", `RX 6900 XT( \(|$)`, 512e9, 80, 2.25, 64, 500, 100, 3, rdna},
	{"RX 9070 XT", "gfx1201", `RX 9070 XT( \(|$)`, 640e9, 64, 2.97, 64, 500, 100, 3, rdnaLarge},
	{"Arc A770", "dg2", `A770 Graphics`, 560e9, 32, 2.1, 128, 800, 200, 5, xeHPG},
	{"Arc B580", "bmg", `B580 Graphics`, 456e9, 20, 2.67, 128, 800, 200, 5, xe2},
	{"Iris Xe (96 units)", "tgl", `Iris\(R\) Xe Graphics`, 68.3e9, 6, 1.35, 128, 800, 150, 5, xeLP},
	{"Arc 140V", "lnl", `\(LNL\)|140V`, 136.5e9, 8, 2.05, 128, 800, 150, 5, xe2},
	{"Steam Deck", "vangogh", `VANGOGH|AMD Custom GPU 0405`, 88e9, 8, 1.6, 64, 800, 150, 3, rdna},
	{"Radeon 890M", "gfx1150", `890M`, 120e9, 16, 2.9, 64, 800, 150, 3, rdna},
	{"Apple M2", "m2", `Apple M2( \(|$)`, 100e9, 10, 1.398, 128, 800, 150, 5, agx},
	{"Adreno X1-85", "x1-85", `X1-85`, 135e9, 12, 1.25, 128, 800, 150, 5, adreno},
	{"Adreno 730", "a730", `Adreno \(TM\) 730`, 51.2e9, 8, 0.818, 128, 800, 150, 5, adreno},
}
