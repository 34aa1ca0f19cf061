package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"muninn/model/checkpoint"
	"muninn/model/decode"
	"muninn/model/fit"
	"muninn/model/score"
	"muninn/model/store/hub"
	"muninn/model/tokenizer"
	"muninn/shaders"
	"muninn/shaders/selftest"
	"muninn/vk"
)

// Exit statuses. An interrupt gives 130, SIGTERM 143.
const (
	ExitOK       = 0
	ExitFailure  = 1
	ExitUsage    = 2
	ExitDevice   = 3
	ExitMemory   = 4
	ExitModel    = 5
	ExitNetwork  = 6
	ExitSignaled = 130
)

// usageError is a command line, or an input it names, that cannot be carried out.
type usageError struct {
	text string
	verb string // whose help to point at; empty for the list of commands
	file bool   // of what no help speaks
}

func (e *usageError) Error() string { return e.text }

// Usage makes a usageError; dispatch fills in the verb.
func Usage(format string, args ...any) error {
	return &usageError{text: fmt.Sprintf(format, args...)}
}

// BadFile makes a usageError of a file that cannot be written.
func BadFile(err error) error { return &usageError{text: err.Error(), file: true} }

// kind is one row of the table of errors: how the program exits, and what to do when the message itself cannot say it.
type kind struct {
	is     func(error) bool
	exit   int
	Advice string
}

func matches(targets ...error) func(error) bool {
	return func(err error) bool {
		return slices.ContainsFunc(targets, func(t error) bool { return errors.Is(err, t) })
	}
}

// packageName is what the packages begin their errors with.
var packageName = regexp.MustCompile(`^[a-z]+: `)

// AsUsage makes a usageError of an error that says what is wrong with the user's values.
func AsUsage(err error) error { return Usage("%s", packageName.ReplaceAllString(err.Error(), "")) }

// isNoModel tells that there is no model where one was named; what else is wrong with one says so itself.
func isNoModel(err error) bool {
	return errors.Is(err, checkpoint.ErrModel) && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, checkpoint.ErrNotGGUF))
}

// IsUsage tells a usageError.
func IsUsage(err error) bool {
	_, ok := errors.AsType[*usageError](err)
	return ok
}

// Kinds is the table of errors; the first row that fits counts.
var Kinds = []kind{
	{IsUsage, ExitUsage, ""},
	{matches(decode.ErrFilters, decode.ErrStrategy, decode.ErrExit, decode.ErrNoise, decode.ErrLookupUnsupported, decode.ErrContextFull, checkpoint.ErrScheme, tokenizer.ErrUnknownID, score.ErrItems), ExitUsage, ""},
	{matches(context.Canceled), ExitSignaled, ""},
	{matches(ErrWrongResults, selftest.ErrRefused), ExitDevice, wrongResultsAdvice},
	{matches(vk.ErrNoCgo), ExitDevice, ""},
	{matches(vk.ErrNoLoader), ExitDevice, loaderAdvice},
	{matches(vk.ErrNoDriver), ExitDevice, driverAdvice},
	{matches(vk.ErrSetup), ExitDevice, setupAdvice},
	{matches(vk.ErrNoDevice), ExitDevice, "`muninn devices` lists them; choose with --device or MUNINN_DEVICE."},
	{matches(vk.ErrUnsupported), ExitDevice, "`muninn devices` lists what else there is; choose with --device or MUNINN_DEVICE."},
	{matches(vk.ErrDeviceLost), ExitDevice, lostAdvice},
	{matches(fit.ErrDoesNotFit), ExitMemory, "--no-fit tries all the same; with --plan it prints the plan of what was given."},
	{matches(vk.ErrOutOfMemory), ExitMemory, memoryAdvice},
	{matches(shaders.ErrBindingLimit), ExitMemory, ""},
	{matches(hub.ErrHub), ExitNetwork, ""},
	{matches(checkpoint.ErrNoTokenizer), ExitModel, "Add the tokenizer.json of the model to its folder; `muninn run --prompt-ids` works without it."},
	{isNoModel, ExitModel, modelAdvice},
	{matches(checkpoint.ErrModel), ExitModel, ""},
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

	setupAdvice = `Install again, or take away, what the files and layers named belong to. VK_LOADER_LAYERS_DISABLE=~implicit~ leaves
implicit layers out, VK_DRIVER_FILES names the only drivers to load.`

	lostAdvice = `A driver resets a GPU whose work takes too long. Try --steps-per-submit 1, a newer driver, or another --device;
"muninn check" tests each kernel on its own.`

	memoryAdvice = `Settings that need less: a shorter --ctx, --cache-lookup-strategy compress-s16 (of a Huginn; the number is a multiple
of the core blocks), --quant q8_0 or q4_0, fewer --num-steps. --plan shows what takes how much, "muninn devices" how
much is free.`

	modelAdvice = `MODEL is a folder with config.json, model.safetensors (or its shards) and tokenizer.json, as model hubs have them,
a GGUF file that "muninn quantize" wrote, ORG/NAME or ORG/NAME@REVISION as the hub has it, a short name ("muninn list
--all" shows them), or "demo" for the model inside this program.`

	wrongResultsAdvice = `Do not trust this device with this driver. Update the driver or choose another --device, and report what
"muninn check --report FILE.md" writes.`
)

// ErrWrongResults says that a kernel disagrees with its oracle.
var ErrWrongResults = errors.New("wrong results")

func classify(err error) kind {
	if i := slices.IndexFunc(Kinds, func(k kind) bool { return k.is(err) }); i >= 0 {
		return Kinds[i]
	}
	return kind{exit: ExitFailure}
}

// exitCode is the exit status for what a verb returned.
func exitCode(err error) int {
	if err == nil {
		return ExitOK
	}
	if sig, ok := errors.AsType[Interrupted](err); ok {
		return sig.exitCode()
	}
	return classify(err).exit
}

// partial is an error that leaves something done.
type partial struct {
	error
	done string
}

// Error says both.
func (p partial) Error() string { return p.error.Error() + "; after " + p.done }

// Unwrap is the error alone.
func (p partial) Unwrap() error { return p.error }

// After adds to an error what was done before it: "3 of 7 cases".
func After(err error, format string, args ...any) error {
	return partial{err, fmt.Sprintf(format, args...)}
}

// report prints an error and what to do about it; for a signal, that it came.
func report(s *Streams, err error) {
	switch {
	case err == nil:
		return
	case errors.Is(err, context.Canceled):
		s.interrupted(err)
		return
	}
	fmt.Fprintln(s.Err, s.Style(s.Err, Red, "muninn:"), Printable(asCalled(byVariables(err.Error(), s.variables))))
	if k := classify(err); k.Advice != "" {
		fmt.Fprintln(s.Err, asCalled(k.Advice))
	}
	switch u, ok := errors.AsType[*usageError](err); {
	case ok && u.file:
	case ok && u.verb == "":
		fmt.Fprintln(s.Err, asCalled("`muninn help` lists the commands."))
	case ok:
		fmt.Fprintln(s.Err, asCalled("`muninn help "+u.verb+"` shows its arguments and flags."))
	}
}

// Complain prints an error after which the command goes on.
func (s *Streams) Complain(err error) {
	fmt.Fprintln(s.Err, s.Style(s.Err, Red, "muninn:"), Printable(asCalled(err.Error())))
}

// Called is this program as a shell finds it: by the path that it was called by.
func Called() string {
	name := os.Args[0]
	if base := strings.TrimSuffix(filepath.Base(name), ".exe"); base != "muninn" {
		return "muninn" // a test, or a link to it by another name
	}
	return quoted([]string{name})
}

// asCalled has the commands in a text begin with Called.
func asCalled(text string) string {
	return strings.NewReplacer("`muninn ", "`"+Called()+" ", `"muninn `, `"`+Called()+" ").Replace(text)
}

// byVariables names the variables that set flags, in a text that names the flags.
func byVariables(text string, variables map[string]string) string {
	return regexp.MustCompile(`--[a-z][a-z-]*`).ReplaceAllStringFunc(text, func(flag string) string {
		if name, ok := variables[flag[2:]]; ok {
			return name
		}
		return flag
	})
}
