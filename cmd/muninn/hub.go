package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"muninn/cmd/muninn/cli"
	"muninn/model/checkpoint"
	"muninn/model/store"
	"muninn/model/store/hub"
)

// hubOptions are the flags of every verb that takes a MODEL: whether one that is not here is fetched.
type hubOptions struct {
	Offline, Yes bool
}

func (o *hubOptions) addFlags(fs *pflag.FlagSet) {
	fs.BoolVar(&o.Offline, "offline", false, "never ask the hub: use only models that are here, as with HF_HUB_OFFLINE=1")
	fs.BoolVarP(&o.Yes, "yes", "y", false, "fetch a model that is not here without asking, however large it is")
}

// client asks the hub that the environment names.
func (o *hubOptions) client(s *cli.Streams) (*hub.Client, error) {
	c, err := hub.New(s.Note)
	if err == nil {
		c.Offline = c.Offline || o.Offline
	}
	return c, err
}

// large is what is not fetched without being asked for, in bytes.
const large = 1 << 30

// have sees to it that a MODEL is here: one that the hub has and the cache lacks is fetched, over a GiB after a question. Other
// names are left to who opens them.
func (o *hubOptions) have(ctx context.Context, s *cli.Streams, model string) error {
	d, err := o.find(ctx, s, model)
	if err != nil || d == nil {
		return err
	}
	if d.Left > large && !o.Yes {
		yes, asked := s.Ask(fmt.Sprintf("%s is not here. Fetch %s?", model, about(d)))
		if !asked {
			return cli.Usage("%s is not here, and %s would be fetched: confirm with --yes, or fetch it with `muninn pull %s`", model, about(d), model)
		}
		if !yes {
			return fmt.Errorf("%s is not here, and was not fetched", model)
		}
	}
	_, err = pull(ctx, s, d)
	return err
}

// find asks the hub for a model that is not here; nil where there is nothing to ask.
func (o *hubOptions) find(ctx context.Context, s *cli.Streams, model string) (*store.Download, error) {
	name, wanted := store.Wanted(model)
	if !wanted {
		return nil, nil
	}
	c, err := o.client(s)
	if err != nil {
		return nil, err
	}
	d, err := store.Find(ctx, c, name)
	if errors.Is(err, hub.ErrHub) {
		err = fmt.Errorf("%s is neither here nor in the hub cache, and cannot be fetched: %w", model, err)
	}
	return d, err
}

// about says what would be fetched and how much that is.
func about(d *store.Download) string {
	licence := store.AliasOf(d.Repo.Name.Repo).Licence
	if licence != "" {
		licence = ", licence " + licence
	}
	return fmt.Sprintf("%s (%s%s)", d.Repo.Name, cli.Size(uint64(d.Left)), licence)
}

// pull fetches with a bar, and returns where the model is. What an interrupt leaves is kept.
func pull(ctx context.Context, s *cli.Streams, d *store.Download) (string, error) {
	bar := cli.NewProgress(s, "fetching "+d.Repo.Name.Repo, d.Left, true)
	if d.Left > large {
		bar.Tell()
	}
	var came int64
	s.Linger(time.Second) // to say what came
	path, err := d.Pull(ctx, func(done, total int64) {
		came = done
		bar.Set(done, total)
	})
	bar.Done()
	if ctx.Err() != nil {
		return "", cli.After(err, "%s of %s of %s, which are kept; the same command goes on from there", cli.Size(uint64(came)), cli.Size(uint64(d.Left)), d.Repo.Name)
	}
	s.Linger(0)
	if err == nil && d.Left > 0 {
		s.Note("fetched %s: %s to %s", d.Repo.Name, cli.Size(uint64(d.Left)), path)
	}
	return path, err
}

// openModel opens what a user named, which is fetched first where it has to be, and says what is to be known about its files.
func openModel(ctx context.Context, s *cli.Streams, o hubOptions, model string) (*checkpoint.Checkpoint, error) {
	if err := o.have(ctx, s, model); err != nil {
		return nil, err
	}
	return noted(s, func() (*checkpoint.Checkpoint, error) { return store.Open(model) })
}

// inspect opens it for what its config and the headers of its weights say: where it is here as open does, else on the hub, and then
// far is what would have to be fetched.
func inspect(ctx context.Context, s *cli.Streams, o hubOptions, model string, open func(string) (*checkpoint.Checkpoint, error)) (ck *checkpoint.Checkpoint, far *store.Download, err error) {
	far, err = o.find(ctx, s, model)
	if err != nil {
		return nil, nil, err
	}
	ck, err = noted(s, func() (*checkpoint.Checkpoint, error) {
		if far != nil {
			return store.OpenRemote(ctx, far)
		}
		return open(model)
	})
	return ck, far, err
}

// noted opens a model, and tells what the user should know about its files.
func noted(s *cli.Streams, open func() (*checkpoint.Checkpoint, error)) (*checkpoint.Checkpoint, error) {
	ck, err := open()
	if err != nil {
		return nil, err
	}
	for _, n := range ck.Notes {
		s.Note("%s", n)
	}
	return ck, nil
}
