package tune

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"muninn/shaders"
	"muninn/shaders/ref"
	"muninn/vk"
)

// prove runs the self-test's cases by what was chosen, and takes back what is wrong, does not run, or could not be tested in time:
// a GEMV by itself, settings of the device with all that rests on them.
func (s *search) prove(ctx context.Context, r *Result) error {
	if len(r.Measured.Settings) > 0 {
		err := s.right(ctx, shaders.Measured{Settings: r.Measured.Settings}, s.job.Needs)
		if err != nil {
			if fatal(ctx, err) {
				return err
			}
			*r = s.byRule(*r, fmt.Sprintf("what was faster failed the self-test: %v", err))
			return nil
		}
		r.Proven = s.job.Needs
	}
	proven := map[shaders.MeasuredGEMV]error{}
	var left []shaders.MeasuredGEMV
	for _, g := range r.Measured.GEMVs {
		any := shaders.MeasuredGEMV{Product: g.Product, GEMV: g.GEMV}
		any.Rows, any.Cols = 0, 0
		err, done := proven[any]
		if !done {
			err = s.right(ctx, shaders.Measured{Settings: r.Measured.Settings, GEMVs: []shaders.MeasuredGEMV{any}}, []string{g.Op + " " + g.Format.String()})
			proven[any] = err
		}
		if fatal(ctx, err) {
			return err
		}
		if err == nil {
			left = append(left, g)
			continue
		}
		for i := range r.Choices {
			if c := &r.Choices[i]; c.GEMV == g.GEMV && c.Op == g.Op && c.Rows == g.Rows && c.Cols == g.Cols && c.Format == g.Format {
				c.GEMV, c.Ratio = c.Rule, 1
				c.Trials = append(c.Trials, Trial{Name: fmt.Sprintf("%s failed the self-test: %v", Form(g.GEMV), err)})
			}
		}
	}
	if r.Measured.GEMVs = left; len(proven) > 0 && len(r.Said()) == 0 && r.Why == "" {
		*r = s.byRule(*r, "what was faster failed the self-test, or there was no time for that")
	}
	return nil
}

// fatal tells of an error that says nothing of kernels.
func fatal(ctx context.Context, err error) bool {
	return err != nil && (errors.Is(err, vk.ErrDeviceLost) || errors.Is(ctx.Err(), context.Canceled))
}

// errUntested says that the self-test's cases could not be run in time.
var errUntested = errors.New("there was no time for it")

// right runs the cases of needs by what was chosen.
func (s *search) right(ctx context.Context, chosen shaders.Measured, needs []string) error {
	o := s.job.Kernels
	o.Measured = chosen
	k, err := shaders.New(s.dev, o)
	if err != nil {
		return err
	}
	var cases []ref.Case
	for _, need := range needs {
		cases = append(cases, ref.Quick(need, k.Tuning)...)
	}
	if ctx.Err() != nil {
		return errUntested
	}
	results, err := ref.Run(ctx, s.dev, ref.Options{Cases: cases, Shaders: []shaders.Options{o}})
	switch {
	case err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded):
		return errUntested
	case err != nil:
		return err
	}
	i := slices.IndexFunc(results, func(r ref.Result) bool { return r.Err != nil || !r.OK })
	switch {
	case i >= 0:
		return errors.New(results[i].String())
	case len(results) == 0:
		return errors.New("there is no test for it")
	}
	return nil
}
