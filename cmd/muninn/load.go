package main

import (
	"muninn/cmd/muninn/cli"
	"muninn/model/checkpoint"
	"muninn/model/store"
)

// openModel opens what a user named, and says what is to be known about its files.
func openModel(s *cli.Streams, path string) (*checkpoint.Checkpoint, error) {
	ck, err := store.Open(path)
	if err != nil {
		return nil, err
	}
	for _, n := range ck.Notes {
		s.Note("%s", n)
	}
	return ck, nil
}
