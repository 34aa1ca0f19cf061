package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// topic runs the cases of one topic, file by file.
func (r *goldenRun) topic(t topic) error {
	dir := filepath.Join(r.dir, t.name)
	files, err := fs.Glob(os.DirFS(dir), "*.json") // sorted
	if err == nil && len(files) == 0 {
		files, err = fs.Glob(os.DirFS(dir), "*/cases.json") // of tokenizers
	}
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return fmt.Errorf("goldens: no .json in %s", dir)
	}
	for _, file := range files {
		name := strings.TrimSuffix(strings.TrimSuffix(file, ".json"), "/cases")
		if err := r.file(t, filepath.Join(dir, file), name); err != nil {
			r.add(result{Topic: t.name, Model: name, Case: "*", Verdict: fail, Detail: err.Error()})
		}
	}
	return nil
}

// file runs the cases of one file. An error means that it cannot be used at all.
func (r *goldenRun) file(t topic, path, name string) error {
	f, ts, err := readFile(path)
	if err != nil {
		return err
	}
	cases, err := parseCases(t, f, r.caseName)
	if err != nil {
		return err
	}
	r.Skipped += (len(f.Cases) - len(cases)) * max(len(f.Checkpoints), 1)
	if len(cases) == 0 {
		return nil
	}
	if len(f.Checkpoints) == 0 {
		if !t.bare {
			return fmt.Errorf("the file is about model %s and names no checkpoints", f.Model)
		}
		r.cases(t, name, cases, nil, ts)
	}
	for _, checkpoint := range f.Checkpoints {
		if !strings.HasPrefix(checkpoint, r.model) {
			r.Skipped += len(cases)
			continue
		}
		m, err := r.load(checkpoint)
		if err != nil {
			for _, gc := range cases {
				r.add(result{Topic: t.name, Model: checkpoint, Case: gc.title(), Verdict: fail, Detail: err.Error()})
			}
			continue
		}
		r.cases(t, checkpoint, cases, m, ts)
		m.close()
	}
	return nil
}

// parseCases reads a file's cases and keeps those of the names asked for; `varied-depth` asks for `varied-depth.full` too.
func parseCases(t topic, f goldenFile, only string) ([]goldenCase, error) {
	var cases []goldenCase
	asked := func(title string) bool {
		return only == "" || slices.ContainsFunc(strings.Split(only, ","), func(name string) bool { return title == name || strings.HasPrefix(title, name+".") })
	}
	for i, raw := range f.Cases {
		gc, err := t.parse(raw)
		if err != nil {
			return nil, fmt.Errorf("case %d: %w", i+1, err)
		}
		if d, ok := gc.(interface{ ofFile(goldenFile) }); ok {
			d.ofFile(f)
		}
		if asked(gc.title()) {
			cases = append(cases, gc)
		}
	}
	return cases, nil
}

func (r *goldenRun) load(checkpoint string) (*loaded, error) {
	if !filepath.IsLocal(checkpoint) {
		return nil, fmt.Errorf("checkpoint %q is not a folder of models/", checkpoint)
	}
	return r.engine.load(filepath.Join(r.dir, "models", checkpoint), nil)
}

func (r *goldenRun) cases(t topic, name string, cases []goldenCase, m *loaded, ts tensors) {
	for _, gc := range cases {
		c := &check{limit: floatLimit}
		if r.limits == eightBitLimits {
			c.limit, c.rounded = eightBitError, true
		}
		done := result{Topic: t.name, Model: name, Case: gc.title(), Limit: c.limit, Verdict: pass}
		if l, ok := gc.(interface{ leftOut() string }); ok && l.leftOut() != "" {
			done.Verdict, done.Detail = leftOut, l.leftOut()
			r.add(done)
			continue
		}
		attempt(gc, m, ts, c)
		if c.compared == 0 {
			c.errorf("the case compares nothing")
		}
		if done.Worst, done.Detail = c.worst, c.problem; c.problem != "" {
			done.Verdict = fail
		}
		r.add(done)
	}
}
