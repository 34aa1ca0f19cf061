//go:build cgo

#define _GNU_SOURCE // for dladdr

#include "shim.h"

#include <stdlib.h>
#include <string.h>

#ifdef _WIN32
#include <windows.h>
#else
#include <dlfcn.h>
#endif

static PFN_getProcAddr get_instance_proc;

void *mn_load(void) {
	if (get_instance_proc) return (void *)get_instance_proc;
#ifdef _WIN32
	HMODULE lib = LoadLibraryA("vulkan-1.dll");
	if (lib) get_instance_proc = (PFN_getProcAddr)(void *)GetProcAddress(lib, "vkGetInstanceProcAddr");
#else
	static const char *const names[] = {
#ifdef __APPLE__
	    "libvulkan.1.dylib", "libvulkan.dylib", "libMoltenVK.dylib",
	    // Where Homebrew and the Vulkan SDK put them; only /usr/local/lib is searched by itself, and not by every macOS.
	    "/opt/homebrew/lib/libvulkan.1.dylib", "/usr/local/lib/libvulkan.1.dylib", "/opt/homebrew/lib/libMoltenVK.dylib", "/usr/local/lib/libMoltenVK.dylib",
#else
	    "libvulkan.so.1", "libvulkan.so",
#endif
	};
	for (size_t i = 0; i < sizeof names / sizeof *names && !get_instance_proc; i++) {
		void *lib = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
		if (lib) get_instance_proc = (PFN_getProcAddr)dlsym(lib, "vkGetInstanceProcAddr");
	}
#endif
	return (void *)get_instance_proc;
}

const char *mn_loader_path(void) {
#ifdef _WIN32
	static char path[MAX_PATH];
	if (GetModuleFileNameA(GetModuleHandleA("vulkan-1.dll"), path, sizeof path)) return path;
	return "vulkan-1.dll";
#else
	Dl_info info;
	if (dladdr((void *)get_instance_proc, &info) && info.dli_fname) return info.dli_fname;
	return "libvulkan";
#endif
}

VkResult mn_instance_version(uint32_t *version) {
	typedef VkResult(VKAPI * enumerate_version)(uint32_t *);
	*version = 1u << 22;
	enumerate_version f = (enumerate_version)get_instance_proc(NULL, "vkEnumerateInstanceVersion");
	return f ? f(version) : 0;
}

static int has_extension(const VkExtension *list, uint32_t count, const char *name) {
	for (uint32_t i = 0; i < count; i++)
		if (strncmp(list[i].name, name, sizeof list[i].name) == 0) return 1;
	return 0;
}

int mn_enumerates_portability(void) {
	typedef VkResult(VKAPI * enumerate)(const char *, uint32_t *, VkExtension *);
	enumerate f = (enumerate)get_instance_proc(NULL, "vkEnumerateInstanceExtensionProperties");
	uint32_t count = 0;
	if (!f || f(NULL, &count, NULL) != 0 || count == 0) return 0;
	VkExtension *list = calloc(count, sizeof *list);
	int found = list && f(NULL, &count, list) >= 0 && has_extension(list, count, "VK_KHR_portability_enumeration");
	free(list);
	return found;
}

#define LINK(head, node, type)                 \
	do {                                       \
		(node).sType = (type);                 \
		(node).pNext = ((VkNode *)(head))->pNext; \
		((VkNode *)(head))->pNext = &(node);   \
	} while (0)

void *mn_enable(mn_features *f, int control, int full, int dot, int matrix) {
	VkNode head = {0};
	f->control.sizeControl = 1, f->control.fullSubgroups = full, f->dot.integerDot = 1;
	f->half.float16 = f->memory.model = f->memory.deviceScope = f->matrix.matrix = 1;
	if (control) LINK(&head, f->control, ST_SUBGROUP_SIZE_CONTROL_FEATURES);
	if (dot) LINK(&head, f->dot, ST_INTEGER_DOT_FEATURES);
	if (!matrix) return head.pNext;
	LINK(&head, f->half, ST_FLOAT16_INT8_FEATURES);
	LINK(&head, f->memory, ST_MEMORY_MODEL_FEATURES);
	LINK(&head, f->matrix, ST_COOPERATIVE_MATRIX_FEATURES);
	return head.pNext;
}

static uint32_t minor(uint32_t version) { return (version >> 22) > 1 ? 1023 : (version >> 12) & 1023; }

// The sizes of matrices that a subgroup multiplies, halves into floats.
static void query_matrices(VkDispatchable instance, VkDispatchable physical, mn_facts *facts) {
	enum { HALF = 0, FLOAT = 1, SUBGROUP = 3, MOST = 256 };
	typedef VkResult(VKAPI * list)(VkDispatchable, uint32_t *, VkCooperativeMatrix *);
	list get = (list)get_instance_proc(instance, "vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR");
	VkCooperativeMatrix *all = calloc(MOST, sizeof *all);
	uint32_t count = MOST;
	for (uint32_t i = 0; all && i < MOST; i++) all[i].sType = ST_COOPERATIVE_MATRIX;
	if (!get || !all || get(physical, &count, all) < 0) count = 0;
	for (uint32_t i = 0; i < count && facts->matrix_count < MN_MATRICES; i++) {
		VkCooperativeMatrix m = all[i];
		if (m.a != HALF || m.b != HALF || m.c != FLOAT || m.result != FLOAT || m.saturating || m.scope != SUBGROUP) continue;
		uint32_t at = facts->matrix_count++;
		facts->matrix_m[at] = m.m, facts->matrix_n[at] = m.n, facts->matrix_k[at] = m.k;
	}
	free(all);
}

int mn_query(VkDispatchable instance, VkDispatchable physical, uint32_t version, mn_facts *facts, const char **missing) {
	typedef VkResult(VKAPI * enumerate)(VkDispatchable, const char *, uint32_t *, VkExtension *);
	typedef void(VKAPI * get2)(VkDispatchable, void *);
	enumerate extensions = (enumerate)get_instance_proc(instance, *missing = "vkEnumerateDeviceExtensionProperties");
	if (!extensions) return -1;
	typedef void(VKAPI * get_queues)(VkDispatchable, uint32_t *, VkQueueFamily *);
	get_queues queues = (get_queues)get_instance_proc(instance, *missing = "vkGetPhysicalDeviceQueueFamilyProperties");
	if (!queues) return -1;
	get2 features = (get2)get_instance_proc(instance, *missing = "vkGetPhysicalDeviceFeatures2");
	if (!features) return -1;
	get2 properties = (get2)get_instance_proc(instance, *missing = "vkGetPhysicalDeviceProperties2");
	if (!properties) return -1;
	get2 memory = (get2)get_instance_proc(instance, *missing = "vkGetPhysicalDeviceMemoryProperties2");
	if (!memory) return -1;

	memset(facts, 0, sizeof *facts);
	uint32_t count = 0;
	if (extensions(physical, NULL, &count, NULL) != 0) count = 0;
	VkExtension *list = calloc(count + 1, sizeof *list);
	if (!list) return -2;
	if (count && extensions(physical, NULL, &count, list) < 0) count = 0;
	uint32_t m = minor(version);
	int driver = m >= 2 || has_extension(list, count, "VK_KHR_driver_properties");
	int half = m >= 2 || has_extension(list, count, "VK_KHR_shader_float16_int8");
	int byte = m >= 2 || has_extension(list, count, "VK_KHR_8bit_storage");
	int large = m >= 3 || has_extension(list, count, "VK_KHR_maintenance4");
	facts->has_integer_dot_extension = has_extension(list, count, "VK_KHR_shader_integer_dot_product");
	int dot = m >= 3 || facts->has_integer_dot_extension;
	facts->has_size_control_extension = has_extension(list, count, "VK_EXT_subgroup_size_control");
	facts->has_portability_subset = has_extension(list, count, "VK_KHR_portability_subset");
	facts->has_budget = has_extension(list, count, "VK_EXT_memory_budget");
	int control = m >= 3 || facts->has_size_control_extension;
	int matrix = m >= 2 && has_extension(list, count, "VK_KHR_cooperative_matrix");
	free(list);

	// Only structs that the device's version or extensions promise are chained: a driver may warn about others.
	VkFeatures2 f = {ST_FEATURES_2};
	Vk16BitStorageFeatures f16 = {0};
	Vk8BitStorageFeatures f8 = {0};
	VkFloat16Int8Features fa = {0};
	VkSubgroupSizeControlFeatures fc = {0};
	VkIntegerDotFeatures fd = {0};
	VkMemoryModelFeatures fm = {0};
	VkCooperativeMatrixFeatures fx = {0};
	LINK(&f, f16, ST_16BIT_STORAGE_FEATURES);
	if (byte) LINK(&f, f8, ST_8BIT_STORAGE_FEATURES);
	if (half) LINK(&f, fa, ST_FLOAT16_INT8_FEATURES);
	if (control) LINK(&f, fc, ST_SUBGROUP_SIZE_CONTROL_FEATURES);
	if (dot) LINK(&f, fd, ST_INTEGER_DOT_FEATURES);
	if (matrix) {
		LINK(&f, fm, ST_MEMORY_MODEL_FEATURES);
		LINK(&f, fx, ST_COOPERATIVE_MATRIX_FEATURES);
	}
	features(physical, &f);
	facts->storage16 = f16.storageBuffer, facts->storage8 = f8.storageBuffer;
	facts->float16 = fa.float16, facts->int8 = fa.int8, facts->integer_dot = fd.integerDot;
	facts->subgroup_control = fc.sizeControl, facts->full_subgroups = fc.fullSubgroups;

	VkProperties2 p = {ST_PROPERTIES_2};
	VkIDProperties id = {0};
	VkSubgroupProperties sub = {0};
	VkMaintenance3Properties m3 = {0};
	VkMaintenance4Properties m4 = {0};
	VkDriverProperties dp = {0};
	VkSubgroupSizeControlProperties pc = {0};
	VkIntegerDotProperties pd = {0};
	VkCooperativeMatrixProperties px = {0};
	LINK(&p, id, ST_ID_PROPERTIES);
	LINK(&p, sub, ST_SUBGROUP_PROPERTIES);
	LINK(&p, m3, ST_MAINTENANCE_3_PROPERTIES);
	if (large) LINK(&p, m4, ST_MAINTENANCE_4_PROPERTIES);
	if (driver) LINK(&p, dp, ST_DRIVER_PROPERTIES);
	if (control) LINK(&p, pc, ST_SUBGROUP_SIZE_CONTROL_PROPERTIES);
	if (dot) LINK(&p, pd, ST_INTEGER_DOT_PROPERTIES);
	if (matrix) LINK(&p, px, ST_COOPERATIVE_MATRIX_PROPERTIES);
	properties(physical, &p);
	memcpy(facts->device_uuid, id.deviceUUID, 16);
	memcpy(facts->driver_uuid, id.driverUUID, 16);
	facts->driver_id = dp.driverID;
	memcpy(facts->driver_name, dp.name, sizeof dp.name - 1);
	memcpy(facts->driver_info, dp.info, sizeof dp.info - 1);
	facts->max_allocation = m3.maxMemoryAllocationSize, facts->max_buffer = m4.maxBufferSize;
	facts->subgroup_size = sub.size, facts->subgroup_stages = sub.stages, facts->subgroup_operations = sub.operations;
	facts->subgroup_min = pc.minSize, facts->subgroup_max = pc.maxSize, facts->subgroup_required_stages = pc.stages;
	facts->max_subgroups = pc.maxWorkgroupSubgroups;
	facts->integer_dot_4x8 = pd.accelerated[4], facts->integer_dot_mixed = pd.accelerated[5];

	if (fx.matrix && fm.model && fm.deviceScope && fa.float16 && px.stages & 0x20) query_matrices(instance, physical, facts);

	// A family that computes, best one that also draws: the others may lack priority or timestamps on consumer devices.
	enum { GRAPHICS = 1, COMPUTE = 2 };
	VkQueueFamily families[32];
	uint32_t n = 32, best = 0;
	queues(physical, &n, families);
	facts->queue_family = ~0u;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t worth = families[i].queueCount && families[i].flags & COMPUTE ? 1 + (families[i].flags & GRAPHICS) : 0;
		if (worth > best) best = worth, facts->queue_family = i, facts->timestamp_bits = families[i].timestampBits;
	}

	VkMemoryProperties2 mem = {ST_MEMORY_PROPERTIES_2};
	VkMemoryBudgetProperties budget = {0};
	if (facts->has_budget) LINK(&mem, budget, ST_MEMORY_BUDGET_PROPERTIES);
	memory(physical, &mem);
	facts->type_count = mem.typeCount < 32 ? mem.typeCount : 32;
	facts->heap_count = mem.heapCount < 16 ? mem.heapCount : 16;
	for (uint32_t i = 0; i < facts->type_count; i++)
		facts->type_flags[i] = mem.types[i].flags, facts->type_heap[i] = mem.types[i].heap;
	for (uint32_t i = 0; i < facts->heap_count; i++) {
		facts->heap_size[i] = mem.heaps[i].size, facts->heap_flags[i] = mem.heaps[i].flags;
		facts->heap_budget[i] = budget.budget[i], facts->heap_used[i] = budget.usage[i];
	}
	return 0;
}
