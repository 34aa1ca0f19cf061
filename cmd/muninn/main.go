// Command muninn runs recurrent-depth language models on any Vulkan device.
package main

import "muninn/cmd/muninn/cli"

// commands is the table of verbs: help, completions and the man page are made of it. Every call gives fresh options.
func commands() []*cli.Command {
	return append([]*cli.Command{
		runCommand(),
		chatCommand(),
		compareCommand(),
		scoreCommand(),
		traceCommand(),
		serveCommand(),
		demoCommand(),
		devicesCommand(),
		checkCommand(),
		benchCommand(),
		tuneCommand(),
		pullCommand(),
		listCommand(),
		showCommand(),
		rmCommand(),
		cacheCommand(),
		quantizeCommand(),
		tokenizeCommand(),
		detokenizeCommand(),
		versionCommand(),
	}, cli.ShellCommands(commands)...)
}

func main() { cli.Main(commands()) }
