package serve

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"time"

	"muninn/model/arch"
	"muninn/model/checkpoint"
	"muninn/model/decode"
	"muninn/model/engine"
	"muninn/model/fit"
	"muninn/model/tokenizer"
	"muninn/vk"
)

// Error is what a client is told when a request fails.
type Error struct {
	Status  int    // of HTTP
	Type    string // as OpenAI names kinds of errors
	Code    string // what programs go by; empty: nothing
	Param   string // the field of the request that is to blame; empty: none
	Message string
	Retry   time.Duration // when to come again; 0: nothing is said
	Final   bool          // to try again is of no use, though the status might suggest it
}

func (e *Error) Error() string { return e.Message }

// Types of errors.
const (
	typeRequest    = "invalid_request_error"
	typeAuth       = "authentication_error"
	typePermission = "permission_error"
	typeServer     = "server_error"
	typeOverloaded = "overloaded_error"
)

// Refuse is an Error for what is wrong with a field of a request.
func Refuse(param, format string, args ...any) *Error {
	return &Error{Status: http.StatusBadRequest, Type: typeRequest, Param: param, Message: fmt.Sprintf(format, args...)}
}

// unsupported is an Error for a field that is known and that no model here can follow.
func unsupported(param, why string) *Error {
	e := Refuse(param, "%s is not supported by this server: %s", param, why)
	e.Code = "unsupported_parameter"
	return e
}

func busy(format string, args ...any) *Error {
	return &Error{Status: http.StatusServiceUnavailable, Type: typeOverloaded, Code: "overloaded", Message: fmt.Sprintf(format, args...), Retry: 2 * time.Second}
}

// causes says what errors of the model become. The first row that matches counts.
var causes = []struct {
	is    error
	as    Error
	plain bool // its text is about the request, and goes to the client
}{
	{decode.ErrContextFull, Error{Status: 400, Type: typeRequest, Code: "context_length_exceeded"}, true},
	{decode.ErrFilters, Error{Status: 400, Type: typeRequest}, true},
	{decode.ErrStrategy, Error{Status: 400, Type: typeRequest}, true},
	{decode.ErrExit, Error{Status: 400, Type: typeRequest, Param: "criterion"}, true},
	{decode.ErrNoise, Error{Status: 400, Type: typeRequest}, true},
	{checkpoint.ErrNoChat, Error{Status: 400, Type: typeRequest, Param: "messages"}, true},
	{checkpoint.ErrNoTokenizer, Error{Status: 400, Type: typeRequest, Param: "prompt"}, true},
	{arch.ErrChat, Error{Status: 400, Type: typeRequest, Param: "messages"}, true},
	{tokenizer.ErrTooLarge, Error{Status: 400, Type: typeRequest}, true},
	{tokenizer.ErrFile, Error{Status: 400, Type: typeRequest}, true}, // of a text that it has no tokens for
	{tokenizer.ErrTimeout, Error{Status: 400, Type: typeRequest}, true},
	{engine.ErrLoopFull, Error{Status: 503, Type: typeOverloaded, Code: "overloaded", Retry: 2 * time.Second, Message: "too many requests wait for this model; try again later"}, false},
	{engine.ErrLoopClosed, Error{Status: 503, Type: typeServer, Code: "stopping", Retry: 5 * time.Second, Message: "the model is being closed"}, false},
	{vk.ErrDeviceLost, Error{Status: 500, Type: typeServer, Code: "device_lost", Message: "the device was lost; the model is opened anew for the next request"}, false},
	{vk.ErrOutOfMemory, Error{Status: 500, Type: typeServer, Code: "out_of_memory", Final: true, Message: "the device has no memory left for this model"}, false},
	{fit.ErrDoesNotFit, Error{Status: 500, Type: typeServer, Code: "out_of_memory", Final: true, Message: "the model does not fit the device's memory"}, false},
	{checkpoint.ErrModel, Error{Status: 500, Type: typeServer, Code: "model_unusable", Final: true, Message: "the model cannot be used; the server's log says why"}, false},
	{context.DeadlineExceeded, Error{Status: 503, Type: typeServer, Code: "stopping", Retry: 5 * time.Second, Message: "the server is stopping"}, false},
	{context.Canceled, Error{Status: 503, Type: typeServer, Code: "stopping", Retry: 5 * time.Second, Message: "the request was cancelled: the server is stopping, or its client has gone"}, false},
}

// packageName is what the packages begin their errors with, and kinds of errors.
var packageName = regexp.MustCompile(`^[a-z]+: (?:bad (?:exit|strategy|sampling options): )?`)

// AsError is what the client is told of an error. Texts that may speak of this machine stay here.
func AsError(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	if e, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return &Error{Status: http.StatusRequestEntityTooLarge, Type: typeRequest, Message: fmt.Sprintf("the body is larger than %d bytes, the most that is read", e.Limit)}
	}
	for _, c := range causes {
		if errors.Is(err, c.is) {
			e := c.as
			if c.plain {
				e.Message = packageName.ReplaceAllString(err.Error(), "")
			}
			return &e
		}
	}
	return &Error{Status: http.StatusInternalServerError, Type: typeServer, Message: "the request failed; the server's log says why"}
}

// errorObject is OpenAI's form of an error.
type errorObject struct {
	Error struct {
		Message string  `json:"message"`
		Type    string  `json:"type"`
		Param   *string `json:"param"`
		Code    *string `json:"code"`
	} `json:"error"`
}

// openAIError encodes an error as OpenAI does.
func openAIError(e *Error) any {
	var o errorObject
	o.Error.Message, o.Error.Type, o.Error.Param, o.Error.Code = e.Message, e.Type, orNull(e.Param), orNull(e.Code)
	return o
}

// orNull is a text, or null in the place of an empty one.
func orNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
