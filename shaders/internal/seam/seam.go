// Package seam is what tests may do to kernels that no caller may: package shaders obeys it, package ref hands it out.
package seam

// Replace has options, a *shaders.Options, take other code for compiled kernels, by name. Package shaders sets it.
var Replace func(options any, code map[string][]byte)
