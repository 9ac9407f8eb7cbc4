package serving

import (
	"bytes"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestAPanicIsTold: what peers do wrong is not, at the usual level.
func TestAPanicIsTold(t *testing.T) {
	var told bytes.Buffer
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("a defect") }))
	srv.Config.ErrorLog = log.New(complaints{slog.New(slog.NewTextHandler(&told, nil)).With("listener", "main")}, "", 0)
	srv.Start()
	if resp, err := srv.Client().Get(srv.URL); err == nil {
		resp.Body.Close()
		t.Error("an answer")
	}
	fmt.Fprint(srv.Config.ErrorLog.Writer(), "http: TLS handshake error from 192.0.2.1:4711: EOF\n")
	srv.Close()
	if got := told.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "level=ERROR") || !strings.Contains(got, "a defect") || !strings.Contains(got, "listener=main") {
		t.Errorf("want one line, about the panic:\n%s", got)
	}
}
