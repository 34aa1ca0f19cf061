package main

import (
	"context"
	"errors"
	"fmt"

	"muninn/model"
	"muninn/model/fit"
	"muninn/model/tokenizer"
	"muninn/shaders"
	"muninn/vk"
)

// Exit statuses. An interrupt gives 130, SIGTERM 143.
const (
	exitOK       = 0
	exitFailure  = 1
	exitUsage    = 2
	exitDevice   = 3
	exitMemory   = 4
	exitModel    = 5
	exitSignaled = 130
)

// usageError is a command line, or an input it names, that cannot be carried out.
type usageError struct {
	text string
	verb string // whose help to point at; empty for the list of commands
}

func (e *usageError) Error() string { return e.text }

// usage makes a usageError; dispatch fills in the verb.
func usage(format string, args ...any) error {
	return &usageError{text: fmt.Sprintf(format, args...)}
}

// kind is one row of the table of errors: how the program exits, and what to do when the message itself cannot say it.
type kind struct {
	is     func(error) bool
	exit   int
	advice string
}

func matches(targets ...error) func(error) bool {
	return func(err error) bool {
		for _, t := range targets {
			if errors.Is(err, t) {
				return true
			}
		}
		return false
	}
}

func isUsage(err error) bool {
	var u *usageError
	return errors.As(err, &u)
}

// kinds is the table of errors; the first row that fits counts.
var kinds = []kind{
	{isUsage, exitUsage, ""},
	{matches(model.ErrSampling, model.ErrSampler, model.ErrExit, model.ErrNoise, model.ErrLookupUnsupported, model.ErrContextFull, model.ErrScheme, tokenizer.ErrUnknownID), exitUsage, ""},
	{matches(context.Canceled), exitSignaled, ""},
	{matches(errWrongResults), exitDevice, wrongResultsAdvice},
	{matches(vk.ErrNoCgo), exitDevice, ""},
	{matches(vk.ErrNoLoader), exitDevice, loaderAdvice},
	{matches(vk.ErrNoDriver), exitDevice, driverAdvice},
	{matches(vk.ErrNoDevice), exitDevice, "`muninn devices` lists them; choose with --device or MUNINN_DEVICE."},
	{matches(vk.ErrUnsupported), exitDevice, "`muninn devices` lists what else there is; choose with --device or MUNINN_DEVICE."},
	{matches(vk.ErrDeviceLost), exitDevice, lostAdvice},
	{matches(fit.ErrDoesNotFit), exitMemory, "--no-fit tries all the same; with --plan it prints the plan of what was given."},
	{matches(vk.ErrOutOfMemory), exitMemory, memoryAdvice},
	{matches(shaders.ErrBindingLimit), exitMemory, ""},
	{matches(model.ErrNoTokenizer), exitModel, "Add the tokenizer.json of the model to its folder; `muninn run --prompt-ids` works without it."},
	{matches(model.ErrModel), exitModel, modelAdvice},
}

const (
	loaderAdvice = `Install the Vulkan loader and a driver:
  Debian, Ubuntu   apt install libvulkan1 mesa-vulkan-drivers
  Fedora           dnf install vulkan-loader mesa-vulkan-drivers
  Arch             pacman -S vulkan-icd-loader, and vulkan-radeon, vulkan-intel or nvidia-utils
  Windows          the GPU vendor's driver brings it
NVIDIA's own driver brings its part of Vulkan along.`

	driverAdvice = `Usual causes:
  no driver package   Debian, Ubuntu: apt install mesa-vulkan-drivers; NVIDIA: the vendor's driver with its Vulkan part
  no permission       the user must be able to open /dev/dri/renderD*: add it to the group "render" and log in again
  a container         pass the GPU in (--device /dev/dri, or --gpus all with the graphics capability)
  VK_DRIVER_FILES or VK_ICD_FILENAMES is set to files that do not exist
The package mesa-vulkan-drivers also holds lavapipe, which runs on the CPU.`

	lostAdvice = `A driver resets a GPU whose work takes too long. Try --steps-per-submit 1, a newer driver, or another --device;
"muninn check" tests each kernel on its own.`

	memoryAdvice = `Settings that need less: a shorter --ctx, --cache-lookup-strategy compress-s16 (of a Huginn; the number is a multiple
of the core blocks), --quant q8_0 or q4_0, fewer --num-steps. --plan shows what takes how much, "muninn devices" how
much is free.`

	modelAdvice = `MODEL is a folder with config.json, model.safetensors (or its shards) and tokenizer.json, as model hubs have them,
a GGUF file that "muninn quantize" wrote, or "demo" for the model inside this program.`

	wrongResultsAdvice = `Do not trust this device with this driver. Update the driver, choose another --device, and report the lines above
with the output of "muninn version" and "muninn devices --json".`
)

// errWrongResults says that a kernel disagrees with its oracle.
var errWrongResults = errors.New("wrong results")

func classify(err error) kind {
	for _, k := range kinds {
		if k.is(err) {
			return k
		}
	}
	return kind{exit: exitFailure}
}

// exitCode is the exit status for what a verb returned.
func exitCode(err error) int {
	var sig interrupted
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &sig):
		return sig.exitCode()
	}
	return classify(err).exit
}

// report prints an error and what to do about it. A signal needs no words.
func report(s *streams, err error) {
	var sig interrupted
	if err == nil || errors.As(err, &sig) {
		return
	}
	fmt.Fprintf(s.err, "%s %v\n", s.style(s.err, red, "muninn:"), err)
	if k := classify(err); k.advice != "" {
		fmt.Fprintln(s.err, k.advice)
	}
	var u *usageError
	if errors.As(err, &u) {
		fmt.Fprintln(s.err, helpPointer(u.verb))
	}
}

func helpPointer(verb string) string {
	if verb == "" {
		return "`muninn help` lists the commands."
	}
	return fmt.Sprintf("`muninn help %s` shows its arguments and flags.", verb)
}
