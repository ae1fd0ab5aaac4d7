package upstream

import (
	"flag"
	"os"
	"runtime"
	"strconv"
	"testing"
)

// atOnce is how many tests run at once if nobody says otherwise: most of them
// wait for an upstream's silence to be noticed and need no processor meanwhile.
const atOnce = 8

func TestMain(m *testing.M) {
	flag.Parse()
	if f := flag.Lookup("test.parallel"); f.Value.String() == strconv.Itoa(runtime.GOMAXPROCS(0)) {
		_ = f.Value.Set(strconv.Itoa(atOnce))
	}
	os.Exit(m.Run())
}
