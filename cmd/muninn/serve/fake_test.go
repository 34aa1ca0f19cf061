package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"muninn/model/checkpoint"
	"muninn/model/decode"
	"muninn/model/demo"
	"muninn/model/engine"
)

// fake is an Engine that says what it is told to, in the demo's tokens, by the decoding that models have.
type fake struct {
	m      *Model
	says   []int32       // over and over
	hold   chan struct{} // of each token, unless nil
	fails  error         // of each pass
	failAt int           // or of the pass of this number

	mu      sync.Mutex
	asked   []decode.Request
	running int
	closed  bool
}

func (f *fake) Submit(ctx context.Context, req decode.Request, _ decode.Sequence) (Stream, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, req)
	f.running++
	s := &fakeStream{tokens: make(chan decode.Token, 1000)}
	go func() {
		defer close(s.tokens)
		s.out, s.err = decode.Generate(&fakeSession{fake: f, ctx: ctx}, f.m.Tokenizer, 0, req, func(t decode.Token) error {
			s.tokens <- t
			return nil
		})
		f.mu.Lock()
		f.running--
		f.mu.Unlock()
	}()
	return s, nil
}

func (f *fake) Stats() engine.LoopStats {
	f.mu.Lock()
	defer f.mu.Unlock()
	return engine.LoopStats{Running: f.running}
}
func (f *fake) Close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
}

type fakeStream struct {
	tokens chan decode.Token
	out    decode.Outcome
	err    error
}

func (s *fakeStream) Tokens() iter.Seq[decode.Token] {
	return func(yield func(decode.Token) bool) {
		for t := range s.tokens {
			if !yield(t) {
				return
			}
		}
	}
}
func (s *fakeStream) Outcome() (decode.Outcome, error) {
	for range s.tokens {
	}
	return s.out, s.err
}

// fakeSession is a decode.Engine of a fake.
type fakeSession struct {
	*fake
	ctx  context.Context
	pos  int
	said int
}

func (s *fakeSession) Rewind(_, pos int) error { s.pos = pos; return nil }
func (s *fakeSession) Pos(int) int             { return s.pos }
func (s *fakeSession) Context() int            { return s.m.Context }
func (s *fakeSession) Rows() int               { return 512 }
func (s *fakeSession) Lookup() decode.Lookup {
	l, _ := decode.ParseLookup(s.m.Lookup, s.m.Config.NLayersInRecurrentBlock)
	return l
}

func (s *fakeSession) Do(a *decode.Task) error {
	if s.hold != nil {
		select {
		case <-s.hold:
		case <-s.ctx.Done():
			return s.ctx.Err()
		}
	}
	if s.fails != nil && s.said >= s.failAt {
		return s.fails
	}
	s.pos = a.Rows[len(a.Rows)-1].Pos + 1
	a.Taken, a.RowSteps = a.Steps, a.Steps*len(a.Rows)
	for range a.Outputs {
		a.Choices = append(a.Choices, decode.Choice{Pos: s.pos - 1, Token: s.says[s.said%len(s.says)], Steps: a.Steps, LogProb: -0.5,
			Top: []decode.Likely{{Token: s.says[s.said%len(s.says)], LogProb: -0.5}}[:min(a.Top, 1)]})
		a.LogProbs = append(a.LogProbs, -1)
	}
	s.said++
	return nil
}

// demoText is the demo's tokenizer and shape.
var demoText = sync.OnceValues(func() (*checkpoint.Checkpoint, checkpoint.Text) {
	ck, err := checkpoint.OpenFS(demo.Files)
	if err != nil {
		panic(err)
	}
	text, err := ck.Text()
	if err != nil {
		panic(err)
	}
	return ck, text
})

// ids are tokens of the demo, one for each byte.
func ids(t testing.TB, text string) (list []int32) {
	t.Helper()
	_, m := demoText()
	for _, b := range []byte(text) {
		for id := range int32(m.Tokenizer.VocabSize()) {
			if string(m.Tokenizer.Bytes(id)) == string([]byte{b}) {
				list = append(list, id)
				break
			}
		}
	}
	if len(list) != len(text) {
		t.Fatalf("%d tokens for %q", len(list), text)
	}
	return list
}

// fakeModel is a model that says some tokens.
func fakeModel(id string, says ...int32) (*Model, *fake) {
	ck, text := demoText()
	m := &Model{ID: id, Text: text, Config: ck.Config, Parallel: 2, Queue: 2, Context: 64, Steps: 8, MaxSteps: 16, Lookup: decode.DefaultLookup, InitScale: 1, Pick: decode.Filters{Greedy: true}}
	f := &fake{m: m, says: says}
	m.Engine = f
	return m, f
}

// serving is a server of one fake model.
func serving(t testing.TB, m *Model, o Options) *Server {
	t.Helper()
	o.Models = NewManager([]Spec{{ID: m.ID, Open: func(context.Context, func(float64)) (*Model, error) { return m, nil }}}, 1, func(string, error) {})
	if o.Log == nil {
		o.Log = quiet
	}
	o.Metrics = true
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	_, _, release, err := o.Models.Acquire(context.Background(), "")
	if err != nil {
		t.Fatal(err)
	}
	release()
	return s
}

// ask posts a body.
func ask(s http.Handler, path, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "http://localhost"+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	return do(s, r, headers...)
}

func get(s http.Handler, path string, headers ...string) *httptest.ResponseRecorder {
	return do(s, httptest.NewRequest(http.MethodGet, "http://localhost"+path, nil), headers...)
}

func do(s http.Handler, r *http.Request, headers ...string) *httptest.ResponseRecorder {
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// events are the data of a stream.
func events(t testing.TB, body io.Reader) (list []map[string]any) {
	t.Helper()
	data, _ := io.ReadAll(body)
	frames := strings.Split(strings.TrimSuffix(string(data), "\n\n"), "\n\n")
	for i, frame := range frames {
		text, ok := strings.CutPrefix(frame, "data: ")
		if last := i == len(frames)-1; last && text == "[DONE]" {
			return list
		}
		if frame == ": ping" {
			continue
		}
		var v map[string]any
		if err := json.Unmarshal([]byte(text), &v); !ok || err != nil {
			t.Fatalf("frame %q: %v", frame, err)
		}
		list = append(list, v)
	}
	return append(list, nil) // it has no end
}

// at is what stands in decoded JSON under keys and places.
func at(v any, path ...any) any {
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[p]
		case int:
			l, _ := v.([]any)
			if p >= len(l) {
				return nil
			}
			v = l[p]
		}
	}
	return v
}

func decoded(t testing.TB, w *httptest.ResponseRecorder) (v map[string]any) {
	t.Helper()
	if err := json.Unmarshal(bytes.TrimSpace(w.Body.Bytes()), &v); err != nil {
		t.Fatalf("%d %q: %v", w.Code, w.Body, err)
	}
	return v
}

var quiet = slog.New(slog.DiscardHandler)
