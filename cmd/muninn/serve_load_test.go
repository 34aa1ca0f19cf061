package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// loadRequests are requests of different depths, exits, strategies, lengths and draws, whose prompts begin with one text.
func loadRequests() (bodies []string) {
	shared := strings.Repeat("a=b;b=c;c=7;a?7;", 3)
	depths := []string{`"num_steps":8`, `"num_steps":3`, `"model":"demo:r4"`, `"reasoning_effort":"low"`, `"num_steps":16,"criterion":"latent-diff","exit_threshold":0.1`,
		`"num_steps":12,"criterion":"kl","exit_threshold":0.01,"min_steps":2`, `"num_steps":9,"decode":"speculative"`, `"num_steps":10,"decode":"wave"`}
	for i, depth := range depths {
		for j, draw := range []string{`"temperature":0`, `"temperature":1,"seed":7,"top_p":0.9,"presence_penalty":0.5`} {
			problem := fmt.Sprintf("k=%c;m=k;n=m;n?", 'a'+i+j)
			bodies = append(bodies, fmt.Sprintf(`{"prompt":%q,"max_tokens":%d,"stream":true,"return_steps":true,%s,%s}`, shared+problem, 8+4*j, depth, draw))
		}
	}
	return bodies
}

// streamed is what came of a stream.
type streamed struct {
	text  string
	steps []int
	gaps  []time.Duration // between tokens
	ended bool
}

// stream sends a request and reads its answer, so many tokens at most.
func stream(ctx context.Context, url, body string, most int) (a streamed, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/v1/completions", strings.NewReader(body))
	if err != nil {
		return a, err
	}
	r.Header.Set("Content-Type", "application/json")
	got, err := http.DefaultClient.Do(r)
	if err != nil {
		return a, err
	}
	defer got.Body.Close()
	if got.StatusCode != http.StatusOK {
		return a, fmt.Errorf("status %s", got.Status)
	}
	last := time.Time{}
	for lines := bufio.NewScanner(got.Body); len(a.steps) < most && lines.Scan(); {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		if data == "[DONE]" {
			a.ended = true
			break
		}
		var chunk struct {
			Choices []struct {
				Text  string
				Steps []int `json:"x_steps"`
			}
			Error json.RawMessage
		}
		if err := json.Unmarshal([]byte(data), &chunk); err != nil || chunk.Error != nil {
			return a, fmt.Errorf("%s: %v", data, err)
		}
		for _, c := range chunk.Choices {
			a.text += c.Text
			if len(c.Steps) > 0 {
				if a.steps = append(a.steps, c.Steps...); !last.IsZero() {
					a.gaps = append(a.gaps, time.Since(last))
				}
				last = time.Now()
			}
		}
	}
	return a, nil
}

// TestServeLoad: many clients at once, one in five of which goes before its answer has ended: no request is lost, each answer is what it is
// alone, and nothing is left behind. MUNINN_TEST_CLIENTS and MUNINN_TEST_EACH make it longer.
func TestServeLoad(t *testing.T) {
	clients, each := number(t, "MUNINN_TEST_CLIENTS", 12), number(t, "MUNINN_TEST_EACH", 5)
	bodies := loadRequests()
	alone := make([]streamed, len(bodies))
	one := startServer(t, "serve", "demo", "--port", "0", "--parallel", "1", "--ctx", "256")
	for i, body := range bodies {
		var err error
		if alone[i], err = stream(context.Background(), one.url, body, 1000); err != nil || !alone[i].ended || len(alone[i].steps) == 0 {
			t.Fatalf("%s: %+v, %v", body, alone[i], err)
		}
	}
	one.stop(t)
	before := used()
	s := startServer(t, "serve", "demo", "--port", "0", "--parallel", "6", "--ctx", "256", "--positions", "512", "--queue", fmt.Sprint(clients))
	var mu sync.Mutex
	var gaps []time.Duration
	var all sync.WaitGroup
	began, tokens := time.Now(), 0
	for c := range clients {
		all.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(c), 3))
			for range each {
				k, most := rng.IntN(len(bodies)), 1000
				if rng.IntN(5) == 0 {
					most = rng.IntN(4)
				}
				got, err := stream(context.Background(), s.url, bodies[k], most)
				switch {
				case err != nil:
					t.Errorf("%s: %v", bodies[k], err)
				case most == 1000 && (got.text != alone[k].text || !slices.Equal(got.steps, alone[k].steps) || !got.ended):
					t.Errorf("%s\n%q of %v steps; alone %q of %v", bodies[k], got.text, got.steps, alone[k].text, alone[k].steps)
				}
				mu.Lock()
				gaps, tokens = append(gaps, got.gaps...), tokens+len(got.steps)
				mu.Unlock()
			}
		})
	}
	all.Wait()
	slices.Sort(gaps)
	t.Logf("%d tokens in %v; from one to the next %v in the median, %v for one in a hundred", tokens, time.Since(began), gaps[len(gaps)/2], gaps[len(gaps)*99/100])
	s.idle(t)
	s.stop(t)
	http.DefaultClient.CloseIdleConnections()
	for end := time.Now().Add(5 * time.Second); used() != before && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
	if after := used(); after.goroutines > before.goroutines || after.files > before.files {
		t.Errorf("%+v are left, %+v were there before", after, before)
	}
}

// number is that of an environment variable.
func number(t *testing.T, name string, usual int) int {
	text := os.Getenv(name)
	if text == "" {
		return usual
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s=%s is no number", name, text)
	}
	return n
}

// resources of this process.
type resources struct{ goroutines, files int }

func used() resources {
	list, _ := os.ReadDir("/proc/self/fd")
	return resources{runtime.NumGoroutine(), len(list)}
}
