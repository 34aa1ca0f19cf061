// Package serve answers HTTP requests with models: OpenAI's and Anthropic's routes, and what servers have beside them.
//
// A request goes through the middleware (who may ask, and how much), is decoded by its dialect into an Ask, waits for its model (Manager:
// opened on demand, closed when another needs the memory) and for a place in it, is planned as decode.Requests, one for each
// answer wanted, and runs on the model's Engine, an engine.Loop. What comes of it is Events, which the dialect encodes, and a Result.
//
// A dialect is a value of type Dialect in a file of its own, named in the list dialects: its path, how a body becomes an Ask (Fields
// reads and checks JSON; Common reads what most dialects share), what a whole Result is encoded as, and what Frames an Event becomes in a
// stream. Everything else, from the queue to pings and errors, is the same for all of them.
//
// Other routes, as a page has them, are registered through Options.Routes and take models by Manager.Acquire.
package serve
