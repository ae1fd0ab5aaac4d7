package control

import "testing"

func TestAllowedUID(t *testing.T) {
	for _, tt := range []struct {
		uid, own int
		ok       bool
	}{{1000, 1000, true}, {0, 1000, true}, {0, 0, true}, {1001, 1000, false}, {1000, 0, false}} {
		if err := allowedUID(tt.uid, tt.own); (err == nil) != tt.ok {
			t.Errorf("allowedUID(%d, %d) = %v, want ok %v", tt.uid, tt.own, err, tt.ok)
		}
	}
}
