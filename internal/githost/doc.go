// Package githost is the Git host of the local fleet: bare repositories in one folder, served over Git's smart HTTP protocol,
// with a webhook in Gitea's form after every push.
//
// The transport is the git binary itself (upload-pack and receive-pack with --stateless-rpc); this package adds what stands
// around it: users, repositories that come into being with their first push, protected branches, limits, and webhooks that
// survive a crash. It is not a forge: there are no pull requests, no issues, no per-repository permissions. Everything here
// speaks forms that real forges speak, so that Fairlead's hub sees no difference between this host and Gitea.
//
// Start reading at [Host.ServeHTTP] (http.go), then rpc.go (git's protocol), repository.go (the folder of one repository),
// payload.go (the webhook). Delivery, order and crash safety are package hook's.
//
//	http://HOST/OWNER/NAME.git                   clone, fetch, push
//	http://HOST/healthz                          200 as soon as it serves
//	http://HOST/api/v1/repos/OWNER/NAME          and …/branch_protections: see api.go
//
// On disk, under Options.Dir:
//
//	repositories/OWNER/NAME.git   the bare repositories
//	hooks/                        what each webhook receiver has been told (package hook)
//	guard/                        git's hook that protects branches
//	git.lock                      held by every git command, so that a start knows whether some still run
//	lock                          held while a Host runs: one Host per folder
package githost
