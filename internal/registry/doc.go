// Package registry is the OCI registry of the local fleet: CNCF Distribution over a folder, with notifications that survive
// a crash, and the base images that a machine without internet needs to build and run Go programs.
//
// It is Distribution's own handler for the whole OCI API; this package adds users, a healthy set of limits, notifications
// in Distribution's envelope form, and the answer to mirror requests. It is not a copy of Docker Hub: what it doesn't have,
// it answers with 404, and containerd and BuildKit then go on to the real registry.
//
// Start reading at [New] (server.go); notify.go turns tags into notifications, mirror.go answers for docker.io, baseimage.go
// makes the base images. Delivery, order and crash safety of notifications are package hook's.
//
//	http://HOST/v2/…                 the OCI distribution API, deletes enabled
//	http://HOST/v2/…?ns=docker.io    as a mirror of docker.io: repositories under docker.io/ here
//	http://HOST/healthz              200 as soon as it serves
//	http://HOST/readyz               200 when the base images are there too; before, 503; 500 and why if they can't be made
//
// In-memory registries for tests are go-containerregistry's pkg/registry.
//
// On disk, under Options.Dir:
//
//	docker/    Distribution's storage
//	hooks/     what each notification receiver has been told (package hook)
//	secret     signs the state of uploads, so that they go on after a restart
//	lock       held while a Server runs: one Server per folder
package registry
