package memory

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"time"

	"github.com/quench-proxy/quench/internal/detect"
)

const (
	// stateSchema is the version of the state file.
	stateSchema = 1
	// maxState is the largest state file that is read. 20,000 endpoints of
	// ordinary length are 3 MB.
	maxState = 32 << 20
)

// state is the file's JSON.
type state struct {
	Schema    int             `json:"schema"`
	LastID    ID              `json:"last_id"`
	Allows    []Allow         `json:"allows"`
	Endpoints []savedEndpoint `json:"endpoints"`
	Clients   json.RawMessage `json:"clients,omitempty"`
	History   json.RawMessage `json:"history,omitempty"`
}

type savedEndpoint struct {
	Key  string    `json:"key"` // EndpointKey in hex
	Host string    `json:"host"`
	Path string    `json:"path"` // for people: what may name a person is elided
	Seen time.Time `json:"seen"`
}

// errNewer says that the state was written by a newer version: it is left alone.
var errNewer = errors.New("written by a newer version of quench")

func (m *Memory) load() error {
	data, err := readBounded(m.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = m.decode(data)
		if errors.Is(err, errNewer) {
			return fmt.Errorf("memory: %s: %w; use that version, or move the file away", m.path, err)
		}
	} else if !errors.Is(err, errTooLarge) {
		return fmt.Errorf("memory: read: %w", err)
	}
	if err == nil {
		return nil
	}
	if m.view {
		return fmt.Errorf("memory: read %s: %w", m.path, err)
	}
	aside := m.path + ".corrupt-" + m.now().UTC().Format("20060102T150405")
	if rerr := os.Rename(m.path, aside); rerr != nil {
		return fmt.Errorf("memory: move the damaged state aside: %w", rerr)
	}
	m.log.Error("memory damaged, moved aside; starting empty", "file", aside, "err", err)
	return nil
}

var errTooLarge = fmt.Errorf("larger than %d bytes", maxState)

func readBounded(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxState+1))
	if err == nil && len(data) > maxState {
		err = errTooLarge
	}
	return data, err
}

// decode fills m from data, or leaves it as it was.
func (m *Memory) decode(data []byte) error {
	var s state
	if err := json.Unmarshal(data, &s); err != nil {
		return err
	}
	switch {
	case s.Schema > stateSchema:
		return errNewer
	case s.Schema != stateSchema:
		return fmt.Errorf("schema %d, want %d", s.Schema, stateSchema)
	}
	now := m.now()
	ends := make(map[uint64]endpoint, len(s.Endpoints))
	for _, e := range s.Endpoints {
		key, err := strconv.ParseUint(e.Key, 16, 64)
		if err != nil || len(ends) >= maxEndpoints || now.Sub(e.Seen) > endpointLife {
			continue
		}
		// A clock that once ran ahead must not make an endpoint immortal.
		if e.Seen.After(now) {
			e.Seen = now
		}
		ends[key] = endpoint{host: e.Host, path: e.Path, seen: e.Seen}
	}
	var allows []Allow
	for _, a := range s.Allows {
		a, err := a.checked()
		if err != nil || a.ended(now) || len(allows) >= maxAllows {
			continue
		}
		allows = append(allows, a)
		s.LastID = max(s.LastID, a.ID)
	}
	if len(s.Clients) > 0 {
		if err := m.clients.Restore(s.Clients); err != nil {
			return fmt.Errorf("clients: %w", err)
		}
	}
	if len(s.History) > 0 {
		if err := m.history.restore(s.History); err != nil {
			return fmt.Errorf("history: %w", err)
		}
	}
	m.endpoints, m.allows, m.lastID = ends, allows, s.LastID
	return nil
}

func (m *Memory) encode() ([]byte, error) {
	clients, history := m.clients.State(), m.history.state()
	m.mu.Lock()
	s := state{Schema: stateSchema, LastID: m.lastID, Clients: clients, History: history,
		Allows: append([]Allow{}, m.allows...), Endpoints: make([]savedEndpoint, 0, len(m.endpoints))}
	for k, e := range m.endpoints {
		s.Endpoints = append(s.Endpoints, savedEndpoint{
			Key: strconv.FormatUint(k, 16), Host: e.host, Path: e.path, Seen: e.seen.UTC()})
	}
	m.mu.Unlock()
	return json.Marshal(s)
}

// checked returns a with its hosts as AddAllow would store them.
func (a Allow) checked() (Allow, error) {
	o, err := CheckOverride(detect.Override{To: a.To, On: a.On})
	a.Override = o
	return a, err
}
