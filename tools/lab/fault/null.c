// Runs null.comp on the first device with a buffer of zeros.
#include <stdio.h>
#include <stdlib.h>
#include <vulkan/vulkan.h>
static const uint32_t code[] = {
#include "null.inc"
};
#define OK(x) do { VkResult got = (x); if (got) { printf("%s: %d\n", #x, got); exit(1); } } while (0)
int main(void) {
    VkApplicationInfo app = {VK_STRUCTURE_TYPE_APPLICATION_INFO, .apiVersion = VK_API_VERSION_1_2};
    VkInstance in; VkPhysicalDevice gpu; uint32_t one = 1;
    OK(vkCreateInstance(&(VkInstanceCreateInfo){VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO, .pApplicationInfo = &app}, 0, &in));
    vkEnumeratePhysicalDevices(in, &one, &gpu);
    VkPhysicalDeviceVulkan12Features f = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES, .bufferDeviceAddress = 1};
    float pri = 1; VkDevice d; VkQueue q;
    VkDeviceQueueCreateInfo qi = {VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO, .queueCount = 1, .pQueuePriorities = &pri};
    OK(vkCreateDevice(gpu, &(VkDeviceCreateInfo){VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO, &f, .queueCreateInfoCount = 1, .pQueueCreateInfos = &qi}, 0, &d));
    vkGetDeviceQueue(d, 0, 0, &q);
    VkBuffer b; VkDeviceMemory m; void *at; VkMemoryRequirements r;
    OK(vkCreateBuffer(d, &(VkBufferCreateInfo){VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO, .size = 256, .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT}, 0, &b));
    vkGetBufferMemoryRequirements(d, b, &r);
    OK(vkAllocateMemory(d, &(VkMemoryAllocateInfo){VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, .allocationSize = r.size}, 0, &m));
    OK(vkBindBufferMemory(d, b, m, 0)); OK(vkMapMemory(d, m, 0, 256, 0, &at));
    for (int i = 0; i < 64; i++) ((uint32_t *)at)[i] = 0;
    VkDescriptorSetLayoutBinding sb = {0, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1, VK_SHADER_STAGE_COMPUTE_BIT};
    VkDescriptorSetLayout sl; VkPipelineLayout pl; VkDescriptorPool dp; VkDescriptorSet set; VkShaderModule sm; VkPipeline p; VkCommandPool cp; VkCommandBuffer c;
    OK(vkCreateDescriptorSetLayout(d, &(VkDescriptorSetLayoutCreateInfo){VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO, .bindingCount = 1, .pBindings = &sb}, 0, &sl));
    OK(vkCreatePipelineLayout(d, &(VkPipelineLayoutCreateInfo){VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO, .setLayoutCount = 1, .pSetLayouts = &sl}, 0, &pl));
    VkDescriptorPoolSize ps = {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1};
    OK(vkCreateDescriptorPool(d, &(VkDescriptorPoolCreateInfo){VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO, .maxSets = 1, .poolSizeCount = 1, .pPoolSizes = &ps}, 0, &dp));
    OK(vkAllocateDescriptorSets(d, &(VkDescriptorSetAllocateInfo){VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO, .descriptorPool = dp, .descriptorSetCount = 1, .pSetLayouts = &sl}, &set));
    VkDescriptorBufferInfo bi = {b, 0, 256};
    vkUpdateDescriptorSets(d, 1, &(VkWriteDescriptorSet){VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET, .dstSet = set, .descriptorCount = 1, .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, .pBufferInfo = &bi}, 0, 0);
    OK(vkCreateShaderModule(d, &(VkShaderModuleCreateInfo){VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO, .codeSize = sizeof code, .pCode = code}, 0, &sm));
    VkComputePipelineCreateInfo ci = {VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO, .layout = pl, .stage = {VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO, .stage = VK_SHADER_STAGE_COMPUTE_BIT, .module = sm, .pName = "main"}};
    OK(vkCreateComputePipelines(d, 0, 1, &ci, 0, &p));
    OK(vkCreateCommandPool(d, &(VkCommandPoolCreateInfo){VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO}, 0, &cp));
    OK(vkAllocateCommandBuffers(d, &(VkCommandBufferAllocateInfo){VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO, .commandPool = cp, .commandBufferCount = 1}, &c));
    vkBeginCommandBuffer(c, &(VkCommandBufferBeginInfo){VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO});
    vkCmdBindPipeline(c, VK_PIPELINE_BIND_POINT_COMPUTE, p);
    vkCmdBindDescriptorSets(c, VK_PIPELINE_BIND_POINT_COMPUTE, pl, 0, 1, &set, 0, 0);
    vkCmdDispatch(c, 1, 1, 1);
    OK(vkEndCommandBuffer(c));
    OK(vkQueueSubmit(q, 1, &(VkSubmitInfo){VK_STRUCTURE_TYPE_SUBMIT_INFO, .commandBufferCount = 1, .pCommandBuffers = &c}, 0));
    OK(vkQueueWaitIdle(q));
    printf("nothing was read\n");
    return 0;
}
