package main

import "muninn/model/arch/archtest"

// configCase is a config.json, and what it means or why it is refused.
type configCase struct{ archtest.ConfigCase }

func (f configCase) title() string { return f.Title() }

func (f configCase) run(_ *loaded, _ tensors, c *check) {
	c.compared++
	need(f.Check())
}
