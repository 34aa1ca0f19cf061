// A Vulkan layer that tells what a driver's compiler made of each compute pipeline: a line for each, appended to the file that
// MUNINN_LAB_STATS names. Fields are separated by tabs: a hash of the SPIR-V (64-bit FNV-1a), the specialization constants, the
// subgroup size asked for and had, nanoseconds of the processor that compilation took, then name=value of each statistic of the driver, and of
// kernels for matrix units "Matrix instructions": lines of the driver's text in which those multiply. Where MUNINN_LAB_CODE names
// a file too, what the driver prints of the code goes there: a line "@@@" with hash and constants, then "@@ NAME" before each text.
#define _DEFAULT_SOURCE // strsep
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <vulkan/vulkan.h>
#include <vulkan/vk_layer.h>

enum { MODULES = 1 << 12, EXECUTABLES = 8, STATISTICS = 64, TEXTS = 16 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct { VkShaderModule module; uint64_t hash; int matrices; } modules[MODULES];
static VkInstance instance_made;
static PFN_vkGetInstanceProcAddr next_instance;
static PFN_vkGetDeviceProcAddr next_device;

// Functions of the one device that this process opens.
static PFN_vkCreateShaderModule create_module;
static PFN_vkCreateComputePipelines create_pipelines;
static PFN_vkGetPipelineExecutablePropertiesKHR executables_of;
static PFN_vkGetPipelineExecutableStatisticsKHR statistics_of;
static PFN_vkGetPipelineExecutableInternalRepresentationsKHR texts_of;

static uint64_t hash(const void *data, size_t n) {
	uint64_t h = 0xcbf29ce484222325;
	for (size_t i = 0; i < n; i++) h = (h ^ ((const unsigned char *)data)[i]) * 0x100000001b3;
	return h;
}

static int declares_matrices(const VkShaderModuleCreateInfo *info) {
	enum { CAPABILITY = 2 << 16 | 17, COOPERATIVE_MATRIX = 6022 };
	for (size_t i = 5; i + 1 < info->codeSize / 4 && info->pCode[i] == CAPABILITY; i += 2)
		if (info->pCode[i + 1] == COOPERATIVE_MATRIX) return 1;
	return 0;
}

static VkResult VKAPI_CALL make_module(VkDevice d, const VkShaderModuleCreateInfo *info, const VkAllocationCallbacks *a, VkShaderModule *m) {
	VkResult r = create_module(d, info, a, m);
	if (r != VK_SUCCESS) return r;
	pthread_mutex_lock(&lock);
	size_t i = 0;
	while (i < MODULES - 1 && modules[i].module && modules[i].module != *m) i++; // a handle may come again after its module is gone
	modules[i].module = *m;
	modules[i].hash = hash(info->pCode, info->codeSize), modules[i].matrices = declares_matrices(info);
	pthread_mutex_unlock(&lock);
	return r;
}

static uint64_t hash_of(VkShaderModule m, int *matrices) {
	uint64_t h = 0;
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < MODULES && modules[i].module; i++)
		if (modules[i].module == m) h = modules[i].hash, *matrices = modules[i].matrices;
	pthread_mutex_unlock(&lock);
	return h;
}

static void print_constants(FILE *f, const VkSpecializationInfo *s) {
	for (uint32_t i = 0; s && i < s->mapEntryCount; i++) {
		uint32_t value;
		memcpy(&value, (const char *)s->pData + s->pMapEntries[i].offset, sizeof value);
		fprintf(f, i ? ",%u" : "%u", value);
	}
}

static void print_value(FILE *f, const VkPipelineExecutableStatisticKHR *s) {
	switch (s->format) {
	case VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_BOOL32_KHR: fprintf(f, "\t%s=%u", s->name, s->value.b32); break;
	case VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_INT64_KHR: fprintf(f, "\t%s=%lld", s->name, (long long)s->value.i64); break;
	case VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_UINT64_KHR: fprintf(f, "\t%s=%llu", s->name, (unsigned long long)s->value.u64); break;
	default: fprintf(f, "\t%s=%g", s->name, s->value.f64);
	}
}

static uint32_t asked_subgroup(const VkPipelineShaderStageCreateInfo *s) {
	for (const VkBaseInStructure *p = s->pNext; p; p = p->pNext)
		if (p->sType == VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_REQUIRED_SUBGROUP_SIZE_CREATE_INFO)
			return ((const VkPipelineShaderStageRequiredSubgroupSizeCreateInfo *)p)->requiredSubgroupSize;
	return 0;
}

// texts asks for a driver's texts about an executable: t has room for TEXTS. Their data is to be freed.
static uint32_t texts(VkDevice d, const VkPipelineExecutableInfoKHR *of, VkPipelineExecutableInternalRepresentationKHR *t) {
	memset(t, 0, TEXTS * sizeof *t);
	for (int i = 0; i < TEXTS; i++) t[i].sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INTERNAL_REPRESENTATION_KHR;
	uint32_t n = TEXTS;
	if (texts_of(d, of, &n, t) < 0) return 0; // their sizes
	for (uint32_t i = 0; i < n; i++) t[i].pData = calloc(1, t[i].dataSize + 1);
	if (texts_of(d, of, &n, t) < 0)
		for (uint32_t i = 0; i < n; i++) t[i].isText = 0;
	return n;
}

// matrix_lines counts the lines in which matrix units multiply, of the text that has most: a driver gives a program in several forms.
static unsigned matrix_lines(VkDevice d, const VkPipelineExecutableInfoKHR *of) {
	static const char *const names[] = {"v_wmma_", "dpas", "HMMA", "hmma"}; // RADV, ANV, NVK
	VkPipelineExecutableInternalRepresentationKHR t[TEXTS];
	unsigned most = 0;
	for (uint32_t i = 0, n = texts(d, of, t); i < n; i++) {
		unsigned lines = 0;
		char *rest = t[i].isText ? t[i].pData : NULL;
		for (char *line; (line = strsep(&rest, "\n"));) {
			int found = 0;
			for (size_t j = 0; j < sizeof names / sizeof *names; j++) found |= strstr(line, names[j]) != NULL;
			lines += found;
		}
		if (lines > most) most = lines;
		free(t[i].pData);
	}
	return most;
}

static void report(FILE *f, VkDevice d, const VkComputePipelineCreateInfo *info, VkPipeline pipeline, long long ns) {
	VkPipelineInfoKHR of = {VK_STRUCTURE_TYPE_PIPELINE_INFO_KHR, NULL, pipeline};
	VkPipelineExecutablePropertiesKHR e[EXECUTABLES];
	VkPipelineExecutableStatisticKHR s[STATISTICS];
	memset(e, 0, sizeof e);
	memset(s, 0, sizeof s);
	for (int i = 0; i < EXECUTABLES; i++) e[i].sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_PROPERTIES_KHR;
	for (int i = 0; i < STATISTICS; i++) s[i].sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_STATISTIC_KHR;
	int matrices = 0;
	uint64_t module = hash_of(info->stage.module, &matrices);
	uint32_t count = EXECUTABLES;
	if (executables_of(d, &of, &count, e) < 0) count = 0;
	for (uint32_t i = 0; i < count; i++) {
		VkPipelineExecutableInfoKHR one = {VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INFO_KHR, NULL, pipeline, i};
		uint32_t n = STATISTICS;
		if (statistics_of(d, &one, &n, s) < 0) n = 0;
		fprintf(f, "%016llx\t", (unsigned long long)module);
		print_constants(f, info->stage.pSpecializationInfo);
		fprintf(f, "\t%u\t%u\t%lld", asked_subgroup(&info->stage), e[i].subgroupSize, ns);
		for (uint32_t j = 0; j < n; j++) print_value(f, &s[j]);
		if (matrices && texts_of) fprintf(f, "\tMatrix instructions=%u", matrix_lines(d, &one));
		fputc('\n', f);
	}
}

static void report_code(FILE *f, VkDevice d, const VkComputePipelineCreateInfo *info, VkPipeline pipeline) {
	VkPipelineExecutableInfoKHR one = {VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INFO_KHR, NULL, pipeline, 0};
	VkPipelineExecutableInternalRepresentationKHR t[TEXTS];
	int matrices;
	uint32_t n = texts(d, &one, t);
	fprintf(f, "@@@ %016llx\t", (unsigned long long)hash_of(info->stage.module, &matrices));
	print_constants(f, info->stage.pSpecializationInfo);
	for (uint32_t i = 0; i < n; i++)
		if (t[i].isText && t[i].pData) fprintf(f, "\n@@ %s\n%s", t[i].name, (char *)t[i].pData);
	fputc('\n', f);
	for (uint32_t i = 0; i < n; i++) free(t[i].pData);
}

static VkResult VKAPI_CALL make_pipelines(VkDevice d, VkPipelineCache cache, uint32_t n, const VkComputePipelineCreateInfo *infos,
                                          const VkAllocationCallbacks *a, VkPipeline *out) {
	if (n != 1 || !statistics_of || !executables_of) return create_pipelines(d, cache, n, infos, a, out);
	VkComputePipelineCreateInfo info = *infos;
	const char *code = texts_of ? getenv("MUNINN_LAB_CODE") : NULL;
	info.flags |= VK_PIPELINE_CREATE_CAPTURE_STATISTICS_BIT_KHR;
	int matrices = 0;
	hash_of(info.stage.module, &matrices);
	if (code || (matrices && texts_of)) info.flags |= VK_PIPELINE_CREATE_CAPTURE_INTERNAL_REPRESENTATIONS_BIT_KHR;
	struct timespec from, to;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
	VkResult r = create_pipelines(d, cache, 1, &info, a, out);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
	if (r != VK_SUCCESS) return r;
	static pthread_mutex_t writing = PTHREAD_MUTEX_INITIALIZER;
	pthread_mutex_lock(&writing);
	FILE *f = fopen(getenv("MUNINN_LAB_STATS") ? getenv("MUNINN_LAB_STATS") : "/dev/stderr", "a");
	if (f) report(f, d, &info, *out, (to.tv_sec - from.tv_sec) * 1000000000ll + to.tv_nsec - from.tv_nsec);
	if (f) fclose(f);
	f = code ? fopen(code, "a") : NULL;
	if (f) report_code(f, d, &info, *out);
	if (f) fclose(f);
	pthread_mutex_unlock(&writing);
	return r;
}

// link_info is what the loader left in a chain of a create info: where the next layer begins.
static void *link_info(const void *chain, VkStructureType type) {
	for (const VkLayerDeviceCreateInfo *p = chain; p; p = p->pNext)
		if (p->sType == type && p->function == VK_LAYER_LINK_INFO) return (void *)p;
	return NULL;
}

static VkResult VKAPI_CALL make_instance(const VkInstanceCreateInfo *info, const VkAllocationCallbacks *a, VkInstance *instance) {
	VkLayerInstanceCreateInfo *l = link_info(info->pNext, VK_STRUCTURE_TYPE_LOADER_INSTANCE_CREATE_INFO);
	if (!l) return VK_ERROR_INITIALIZATION_FAILED;
	next_instance = l->u.pLayerInfo->pfnNextGetInstanceProcAddr;
	l->u.pLayerInfo = l->u.pLayerInfo->pNext;
	VkResult r = ((PFN_vkCreateInstance)next_instance(NULL, "vkCreateInstance"))(info, a, instance);
	if (r == VK_SUCCESS) instance_made = *instance;
	return r;
}

static VkResult VKAPI_CALL make_device(VkPhysicalDevice physical, const VkDeviceCreateInfo *info, const VkAllocationCallbacks *a, VkDevice *d) {
	VkLayerDeviceCreateInfo *l = link_info(info->pNext, VK_STRUCTURE_TYPE_LOADER_DEVICE_CREATE_INFO);
	if (!l) return VK_ERROR_INITIALIZATION_FAILED;
	PFN_vkCreateDevice create = (PFN_vkCreateDevice)l->u.pLayerInfo->pfnNextGetInstanceProcAddr(instance_made, "vkCreateDevice");
	next_device = l->u.pLayerInfo->pfnNextGetDeviceProcAddr;
	l->u.pLayerInfo = l->u.pLayerInfo->pNext;
	const char **names = calloc(info->enabledExtensionCount + 1, sizeof *names);
	if (!create || !names) return VK_ERROR_OUT_OF_HOST_MEMORY;
	for (uint32_t i = 0; i < info->enabledExtensionCount; i++) names[i] = info->ppEnabledExtensionNames[i];
	names[info->enabledExtensionCount] = VK_KHR_PIPELINE_EXECUTABLE_PROPERTIES_EXTENSION_NAME;
	VkPhysicalDevicePipelineExecutablePropertiesFeaturesKHR feature = {
	    VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PIPELINE_EXECUTABLE_PROPERTIES_FEATURES_KHR, (void *)info->pNext, VK_TRUE};
	VkDeviceCreateInfo more = *info;
	more.pNext = &feature, more.enabledExtensionCount++, more.ppEnabledExtensionNames = names;
	VkResult r = create(physical, &more, a, d);
	free(names);
	if (r != VK_SUCCESS) return r;
	create_module = (PFN_vkCreateShaderModule)next_device(*d, "vkCreateShaderModule");
	create_pipelines = (PFN_vkCreateComputePipelines)next_device(*d, "vkCreateComputePipelines");
	executables_of = (PFN_vkGetPipelineExecutablePropertiesKHR)next_device(*d, "vkGetPipelineExecutablePropertiesKHR");
	statistics_of = (PFN_vkGetPipelineExecutableStatisticsKHR)next_device(*d, "vkGetPipelineExecutableStatisticsKHR");
	texts_of = (PFN_vkGetPipelineExecutableInternalRepresentationsKHR)next_device(*d, "vkGetPipelineExecutableInternalRepresentationsKHR");
	return r;
}

static PFN_vkVoidFunction VKAPI_CALL device_proc(VkDevice d, const char *name);
static PFN_vkVoidFunction VKAPI_CALL instance_proc(VkInstance i, const char *name);

static PFN_vkVoidFunction own(const char *name) {
	static const struct { const char *name; PFN_vkVoidFunction f; } list[] = {
	    {"vkGetInstanceProcAddr", (PFN_vkVoidFunction)instance_proc}, {"vkGetDeviceProcAddr", (PFN_vkVoidFunction)device_proc},
	    {"vkCreateInstance", (PFN_vkVoidFunction)make_instance},      {"vkCreateDevice", (PFN_vkVoidFunction)make_device},
	    {"vkCreateShaderModule", (PFN_vkVoidFunction)make_module},    {"vkCreateComputePipelines", (PFN_vkVoidFunction)make_pipelines},
	};
	for (size_t i = 0; i < sizeof list / sizeof *list; i++)
		if (strcmp(name, list[i].name) == 0) return list[i].f;
	return NULL;
}

static PFN_vkVoidFunction VKAPI_CALL device_proc(VkDevice d, const char *name) {
	PFN_vkVoidFunction f = own(name);
	return f ? f : next_device(d, name);
}

static PFN_vkVoidFunction VKAPI_CALL instance_proc(VkInstance i, const char *name) {
	PFN_vkVoidFunction f = own(name);
	return f || !next_instance ? f : next_instance(i, name);
}

VKAPI_ATTR VkResult VKAPI_CALL vkNegotiateLoaderLayerInterfaceVersion(VkNegotiateLayerInterface *v) {
	if (v->loaderLayerInterfaceVersion > 2) v->loaderLayerInterfaceVersion = 2;
	v->pfnGetInstanceProcAddr = instance_proc, v->pfnGetDeviceProcAddr = device_proc, v->pfnGetPhysicalDeviceProcAddr = NULL;
	return VK_SUCCESS;
}
