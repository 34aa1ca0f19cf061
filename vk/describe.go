package vk

// Cost is the sum of the ops' costs.
func (p *Program) Cost() Cost {
	var c Cost
	for _, o := range p.ops {
		c = c.Add(o.cost)
	}
	return c
}

// Kernels are the names of the kernels that are dispatched, in order.
func (p *Program) Kernels() []string {
	var names []string
	for _, o := range p.ops {
		if o.kernel != nil {
			names = append(names, o.kernel.name)
		}
	}
	return names
}

func (o op) name() string {
	switch o.kind {
	case opCopy:
		return "copy"
	case opFill:
		return "fill"
	}
	return o.kernel.name
}
