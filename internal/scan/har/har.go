// Package har reads HTTP archives entry by entry, without holding the file.
package har
