package browse

import (
	"io/fs"
	"os"
	"os/exec"
	"strconv"
	"syscall"

	"golang.org/x/sys/windows"
)

// ownGroup keeps a console's interrupt from the browser. Built, never run on a
// real Windows.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: windows.CREATE_NEW_PROCESS_GROUP}
}

// quitGroup asks the browser's windows to close.
func quitGroup(cmd *exec.Cmd) {
	_ = exec.Command("taskkill", "/T", "/PID", strconv.Itoa(cmd.Process.Pid)).Run()
}

// killGroup ends the browser and the processes it started. One whose parent is
// gone is not found any more.
func killGroup(cmd *exec.Cmd) {
	if cmd.ProcessState != nil {
		return // the number may be another's by now
	}
	_ = exec.Command("taskkill", "/T", "/F", "/PID", strconv.Itoa(cmd.Process.Pid)).Run()
}

// lockFile takes the lock of an open file, or fails at once if another has it.
func lockFile(f *os.File) error {
	return windows.LockFileEx(windows.Handle(f.Fd()),
		windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &windows.Overlapped{})
}

// ownedByUs trusts the user's temporary directory, which others cannot write.
func ownedByUs(fs.FileInfo) bool { return true }
