package node

import (
	"fmt"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"fairlead.dev/fairlead/internal/local/cgroup"
)

// programsGroup holds the node's programs, apart from the containers' groups: with version 2, a group has either
// processes or groups.
const programsGroup = "/programs"

// enterCgroups moves this process into the node's group and shows it that group as the root of all, by a namespace and by
// mounts: both are needed, because runc compares the one with the other. What a predecessor left in the group is removed
// first: a kubelet waits some seconds for each container that it finds there and containerd doesn't know.
//
// The namespace belongs to the calling thread until the process is replaced (see Enter).
func enterCgroups(group string) error {
	var err error
	for range 50 { // the predecessor's last processes may take a moment to be gone
		if err = cgroup.Remove(group); err == nil {
			break
		}
		<-time.After(100 * time.Millisecond)
	}
	if err != nil {
		return err
	}
	if err := cgroup.Ensure(group); err != nil {
		return err
	}
	if err := cgroup.Join(group); err != nil {
		return err
	}
	runtime.LockOSThread()
	if err := syscall.Unshare(syscall.CLONE_NEWCGROUP); err != nil {
		return fmt.Errorf("making a namespace of control groups: %w", err)
	}
	hierarchies, err := cgroup.Hierarchies()
	if err != nil {
		return err
	}
	for _, h := range hierarchies {
		if err := mount(filepath.Join(h, group), h, "", syscall.MS_BIND, ""); err != nil {
			return err
		}
	}
	return nil
}

// leaveRoot moves this process from the root of the node's groups, where containers' groups are to be.
func leaveRoot() error {
	if err := cgroup.Ensure(programsGroup); err != nil {
		return err
	}
	return cgroup.Join(programsGroup)
}
