package proxy

import (
	"bufio"
	"io"
	"net/http"
	"testing"
	"time"
)

// TestBlockedUploadIsAnsweredAtOnce: the client of a blocked POST that does not
// finish its body gets its answer all the same, and in time.
func TestBlockedUploadIsAnsweredAtOnce(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"application/json", "application/octet-stream", "image/png"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := newChoice(t, nil)
			c := raw(t, w.serve(Auto))
			_, err := io.WriteString(c, "POST http://px.acme.example/tr?id=1 HTTP/1.1\r\nHost: px.acme.example\r\nContent-Type: "+kind+
				"\r\nReferer: http://shop.example/\r\nSec-Fetch-Dest: image\r\nContent-Length: 1000\r\n\r\nabcdef")
			if err != nil {
				t.Fatal(err)
			}
			if err := c.SetReadDeadline(time.Now().Add(3 * time.Second)); err != nil {
				t.Fatal(err)
			}
			resp, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if _, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode >= 300 {
				t.Errorf("status %d, body error %v", resp.StatusCode, err)
			}
		})
	}
}
