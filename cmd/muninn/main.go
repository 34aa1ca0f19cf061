// Command muninn runs recurrent-depth language models on any Vulkan device.
package main

import "os"

// commands is the table of verbs: help, completions and the man page are made of it. Every call gives fresh options.
func commands() []*command {
	return []*command{
		runCommand(),
		compareCommand(),
		traceCommand(),
		demoCommand(),
		devicesCommand(),
		checkCommand(),
		benchCommand(),
		showCommand(),
		quantizeCommand(),
		tokenizeCommand(),
		detokenizeCommand(),
		versionCommand(),
		helpCommand(),
		completionCommand(),
		manCommand(),
	}
}

func main() {
	ctx, stop := withSignals()
	code := execute(ctx, standardStreams(), commands(), os.Args[1:])
	stop()
	os.Exit(code)
}
