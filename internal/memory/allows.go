package memory

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/quench-proxy/quench/internal/detect"
)

// ID names one allow; 0 is none. IDs are not used twice.
type ID int64

// maxWord bounds the client's label and the source of an allow, in bytes.
const maxWord = 128

// Allow is something the user lets pass.
type Allow struct {
	ID ID `json:"id"`
	detect.Override
	// Client is the label it holds for, "" for all.
	Client string `json:"client,omitempty"`
	// Source says where it was given: "command" or "page".
	Source string    `json:"source,omitempty"`
	Since  time.Time `json:"since"`
	// Until is when it ends; zero is never.
	Until time.Time `json:"until,omitzero"`
}

func (a Allow) ended(now time.Time) bool { return !a.Until.IsZero() && !now.Before(a.Until) }

// ErrNoAllow says that there is no such allow.
var ErrNoAllow = errors.New("no such allow")

// AddAllow lets requests pass as o says (see CheckOverride for what is taken),
// until the given time, zero meaning for ever, for one client, "" meaning all.
// It holds for every Policy asked for afterwards. An equal allow is replaced
// and keeps its ID. The error says what is wrong with the input, or that there
// are too many.
func (m *Memory) AddAllow(o detect.Override, until time.Time, client, source string) (ID, error) {
	o, err := CheckOverride(o)
	if err != nil {
		return 0, err
	}
	if len(client) > maxWord || len(source) > maxWord {
		return 0, fmt.Errorf("the name of a client has at most %d bytes", maxWord)
	}
	now := m.now()
	a := Allow{Override: o, Client: client, Source: source, Since: now.UTC(), Until: until}
	if a.ended(now) {
		return 0, fmt.Errorf("the allow would end at %s, which has passed", until.Format(time.RFC3339))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dropEnded(now)
	i := slices.IndexFunc(m.allows, func(b Allow) bool { return b.Override == o && b.Client == client })
	if i >= 0 {
		a.ID = m.allows[i].ID
		m.allows[i] = a
	} else {
		if len(m.allows) >= maxAllows {
			return 0, fmt.Errorf("there are %d allows already; remove some first", maxAllows)
		}
		m.lastID++
		a.ID = m.lastID
		m.allows = append(m.allows, a)
	}
	m.rebuild()
	m.changed()
	return a.ID, nil
}

// RemoveAllow ends an allow. The error wraps ErrNoAllow if there is none.
func (m *Memory) RemoveAllow(id ID) error {
	n := m.removeAllows(func(a Allow) bool { return a.ID == id })
	if n == 0 {
		return fmt.Errorf("%w: %d", ErrNoAllow, id)
	}
	return nil
}

// RemoveOverride ends the allows, of all clients, that say exactly what o says,
// and returns how many. The error wraps ErrNoAllow if there is none.
func (m *Memory) RemoveOverride(o detect.Override) (int, error) {
	o, err := CheckOverride(o)
	if err != nil {
		return 0, err
	}
	n := m.removeAllows(func(a Allow) bool { return a.Override == o })
	if n == 0 {
		return 0, ErrNoAllow
	}
	return n, nil
}

func (m *Memory) removeAllows(match func(Allow) bool) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dropEnded(m.now())
	before := len(m.allows)
	m.allows = slices.DeleteFunc(m.allows, match)
	n := before - len(m.allows)
	if n > 0 {
		m.rebuild()
		m.changed()
	}
	return n
}

// ListAllows returns the allows in force, in the order they were first given.
// Those of the configuration are not among them. The result is the caller's.
func (m *Memory) ListAllows() []Allow {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dropEnded(m.now())
	return slices.Clone(m.allows)
}

func (m *Memory) dropEnded(now time.Time) {
	before := len(m.allows)
	m.allows = slices.DeleteFunc(m.allows, func(a Allow) bool { return a.ended(now) })
	if len(m.allows) != before {
		m.rebuild()
		m.changed()
	}
}
