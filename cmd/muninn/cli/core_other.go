//go:build !unix

package cli

func withoutCore() {}
