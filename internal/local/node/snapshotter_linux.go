package node

import "syscall"

// overlayMagic marks a file system that is an overlay itself (statfs(2), OVERLAYFS_SUPER_MAGIC).
const overlayMagic = 0x794c7630

// Snapshotter says how images are unpacked in a folder, which exists. An overlay can't lie on another, as it would in a
// container.
func Snapshotter(dir string) string {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err == nil && s.Type == overlayMagic {
		return "native"
	}
	return "overlayfs"
}
