package serve

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"
	"time"
)

const (
	pingTime  = 15 * time.Second
	writeTime = 30 * time.Second // for each write: who does not read for so long is gone
)

// Frame is one event of a stream as it is sent.
type Frame struct {
	Event string // its name; empty: none
	Data  any    // as JSON
	Raw   string // in place of Data
}

// eventStream writes server-sent events.
type eventStream struct {
	w     http.ResponseWriter
	keep  *Frame // what keeps it alive; nil: a comment
	begun bool
}

func (s *eventStream) begin() {
	if !s.begun {
		s.begun = true
		h := s.w.Header()
		h.Set("Content-Type", "text/event-stream; charset=utf-8")
		h.Set("Cache-Control", "no-cache")
		h.Set("X-Accel-Buffering", "no") // proxies are to pass tokens on as they come
		s.w.WriteHeader(http.StatusOK)
	}
}

// send sends frames at once.
func (s *eventStream) send(frames ...Frame) error {
	var b bytes.Buffer
	for _, f := range frames {
		if f.Event != "" {
			b.WriteString("event: " + f.Event + "\n")
		}
		b.WriteString("data: ")
		if f.Raw != "" {
			b.WriteString(f.Raw + "\n")
		} else if err := encode(&b, f.Data); err != nil {
			return err
		}
		b.WriteString("\n")
	}
	if b.Len() == 0 {
		return nil
	}
	return s.write(b.Bytes())
}

// ping sends what means nothing, so that nobody in between takes the connection for dead.
func (s *eventStream) ping() error {
	if s.keep != nil {
		return s.send(*s.keep)
	}
	return s.write([]byte(": ping\n\n"))
}

func (s *eventStream) write(data []byte) error {
	s.begin()
	rc := http.NewResponseController(s.w)
	_ = rc.SetWriteDeadline(time.Now().Add(writeTime)) // which a test's recorder has not
	_, err := s.w.Write(data)
	if err = errors.Join(err, rc.Flush()); err != nil {
		return fmt.Errorf("%w: %w", errGone, err)
	}
	return nil
}

// encode writes a value as a line of JSON.
func encode(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// writeJSON answers with a value.
func writeJSON(w http.ResponseWriter, status int, v any) {
	var b bytes.Buffer
	if err := encode(&b, v); err != nil {
		status = http.StatusInternalServerError
		b.Reset()
		_ = encode(&b, openAIError(AsError(err)))
	}
	w.Header().Set("Content-Type", "application/json")
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTime + time.Duration(b.Len())*time.Microsecond))
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // a client that has gone
}

// writeError answers with an error, encoded in a dialect's form.
func writeError(w http.ResponseWriter, e *Error, form func(*Error) any) {
	if e.Retry > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(e.Retry.Seconds()))))
	}
	if e.Final {
		w.Header().Set("X-Should-Retry", "false")
	}
	writeJSON(w, e.Status, form(e))
}

// Logprob is a log probability in JSON, which has no infinities: those are the least that is sent.
type Logprob float32

// leastLogprob stands for the probability 0.
const leastLogprob = -9999

// MarshalJSON writes equal numbers equally.
func (l Logprob) MarshalJSON() ([]byte, error) {
	v := float64(l)
	if !(v >= leastLogprob && v <= math.MaxFloat32) { // or no number
		v = leastLogprob
	}
	return strconv.AppendFloat(nil, v, 'g', -1, 32), nil
}
