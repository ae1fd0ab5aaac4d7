package browse

import "syscall"

// dieWithParent has the kernel end the browser if we are killed: without its
// proxy it is no use, and nobody would remove its profile.
func dieWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }
