package scm

import (
	"fmt"
	"net/http"
	"strings"
)

type object = map[string]any

func branchList(r forgeRepo, make func(branch string) object) []object {
	list := []object{}
	for _, branch := range r.branches {
		list = append(list, make(branch))
	}
	return list
}

// linked answers with a page as GitHub and Gitea do.
func linked(f *forge, w http.ResponseWriter, r *http.Request, size string, items []object) {
	query := r.URL.Query()
	n := number(query, "page", 1)
	page, more := slice(f, items, n, number(query, size, 30))
	links := []string{}
	if n > 1 {
		links = append(links, fmt.Sprintf(`<https://proxy.example%s?page=%d>; rel="prev"`, r.URL.Path, n-1))
	}
	if more {
		query.Set("page", fmt.Sprint(n+1))
		links = append(links, fmt.Sprintf(`<https://proxy.example%s?%s>; rel="next"`, r.URL.Path, query.Encode()))
	}
	if len(links) > 0 {
		w.Header().Set("Link", strings.Join(links, ", "))
	}
	reply200(w, page)
}

func hubPulls(f *forge, shaName string) []object {
	list := []object{}
	for _, p := range f.pulls {
		labels := []object{}
		for _, label := range p.labels {
			labels = append(labels, object{"name": label})
		}
		list = append(list, object{"number": p.number, "title": p.title, "labels": labels, "user": object{"login": p.author},
			"head": object{"ref": p.branch, shaName: sha("pull", p.branch)}, "base": object{"ref": p.into}})
	}
	return list
}

func githubHost(f *forge) http.Handler {
	const none = `{"message":"Not Found","documentation_url":"https://docs.github.com/rest","status":"404"}`
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		at := segments(r, "/api/v3/")
		var repo forgeRepo
		if len(at) > 2 && at[0] == "repos" {
			found, ok := f.repo(at[2])
			if !ok || at[1] != f.owner {
				fail(w, 404, none)
				return
			}
			repo = found
		}
		tip := func(b string) object { return object{"name": b, "commit": object{"sha": sha(repo.name, b)}} }
		switch {
		case is(at, "orgs/"+f.owner+"/repos"):
			list := []object{}
			for _, r := range f.repos {
				branch := "main"
				if len(r.branches) > 0 {
					branch = r.branches[0]
				}
				list = append(list, object{"id": r.id, "name": r.name, "owner": object{"login": f.owner}, "ssh_url": "git@host:" + f.owner + "/" + r.name + ".git",
					"clone_url": "https://host/" + f.owner + "/" + r.name + ".git", "default_branch": branch, "archived": r.archived, "topics": r.topics})
			}
			linked(f, w, r, "per_page", list)
		case is(at, "repos/*/*/branches"):
			linked(f, w, r, "per_page", branchList(repo, tip))
		case is(at, "repos/*/*/branches/*"):
			if !repo.has(at[4]) {
				fail(w, 404, `{"message":"Branch not found","status":"404"}`)
				return
			}
			reply200(w, tip(at[4]))
		case is(at, "repos/*/*/contents/**") && repo.has(r.URL.Query().Get("ref")):
			switch repo.kind(strings.Join(at[4:], "/")) {
			case "file":
				reply200(w, object{"type": "file"})
			case "folder":
				reply200(w, []object{{"type": "file"}})
			default:
				fail(w, 404, none)
			}
		case is(at, "repos/*/*/pulls"):
			linked(f, w, r, "per_page", hubPulls(f, "sha"))
		default:
			fail(w, 404, none)
		}
	})
}

func giteaHost(f *forge) http.Handler {
	const none = `{"errors":null,"message":"GetRepoByName","url":"https://host/api/swagger"}`
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		at := segments(r, "/api/v1/")
		var repo forgeRepo
		if len(at) > 2 && at[0] == "repos" {
			found, ok := f.repo(at[2])
			if !ok || at[1] != f.owner {
				fail(w, 404, none)
				return
			}
			repo = found
		}
		tip := func(b string) object { return object{"name": b, "commit": object{"id": sha(repo.name, b)}} }
		switch {
		case is(at, "orgs/"+f.owner+"/repos"):
			list := []object{}
			for _, r := range f.repos {
				branch := append(r.branches, "main")[0]
				list = append(list, object{"id": r.id, "name": r.name, "ssh_url": "git@host:" + f.owner + "/" + r.name + ".git", "empty": len(r.branches) == 0,
					"html_url": "https://host/" + f.owner + "/" + r.name, "default_branch": branch, "archived": r.archived})
			}
			linked(f, w, r, "limit", list)
		case is(at, "repos/*/*/labels"):
			list := []object{}
			for _, topic := range repo.topics {
				list = append(list, object{"name": topic})
			}
			linked(f, w, r, "limit", list)
		case is(at, "repos/*/*/branches"):
			linked(f, w, r, "limit", branchList(repo, tip))
		case is(at, "repos/*/*/branches/*") && repo.has(at[4]):
			reply200(w, tip(at[4]))
		case is(at, "repos/*/*/contents/**") && repo.has(r.URL.Query().Get("ref")) && repo.kind(strings.Join(at[4:], "/")) != "":
			reply200(w, object{})
		case is(at, "repos/*/*/pulls") && r.URL.Query().Get("state") == "open":
			linked(f, w, r, "limit", hubPulls(f, "sha"))
		default:
			fail(w, 404, none)
		}
	})
}

// numbered answers with a page as GitLab does.
func numbered(f *forge, w http.ResponseWriter, r *http.Request, items []object) {
	n := number(r.URL.Query(), "page", 1)
	page, more := slice(f, items, n, number(r.URL.Query(), "per_page", 20))
	w.Header().Set("X-Page", fmt.Sprint(n))
	w.Header().Set("X-Next-Page", "")
	if more {
		w.Header().Set("X-Next-Page", fmt.Sprint(n+1))
	}
	reply200(w, page)
}

func gitlabHost(f *forge) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		at, query := segments(r, "/api/v4/"), r.URL.Query()
		var repo forgeRepo
		if len(at) > 1 && at[0] == "projects" && at[1] != f.owner+"/api" {
			found, ok := f.repo(at[1])
			if !ok {
				fail(w, 404, `{"message":"404 Project Not Found"}`)
				return
			}
			repo = found
		}
		tip := func(b string) object { return object{"name": b, "commit": object{"id": sha(repo.name, b)}} }
		path := ""
		if len(at) > 4 {
			path = at[4]
		}
		switch {
		case is(at, "groups/"+f.owner+"/projects"):
			list := []object{}
			for _, r := range f.repos {
				if r.archived && query.Get("archived") != "true" {
					continue
				}
				var branch any
				if len(r.branches) > 0 {
					branch = r.branches[0]
				}
				list = append(list, object{"id": r.id, "path": r.name, "namespace": object{"full_path": f.owner}, "default_branch": branch, "topics": r.topics,
					"ssh_url_to_repo": "git@host:" + f.owner + "/" + r.name + ".git", "http_url_to_repo": "https://host/" + f.owner + "/" + r.name + ".git"})
			}
			numbered(f, w, r, list)
		case is(at, "projects/*/repository/branches"):
			numbered(f, w, r, branchList(repo, tip))
		case is(at, "projects/*/repository/branches/*"):
			if !repo.has(path) {
				fail(w, 404, `{"message":"404 Branch Not Found"}`)
				return
			}
			reply200(w, tip(path))
		case is(at, "projects/*/repository/files/*") && repo.kind(path) == "file" && repo.has(query.Get("ref")):
			reply200(w, object{"file_path": path})
		case is(at, "projects/*/repository/tree") && repo.kind(query.Get("path")) == "folder" && repo.has(query.Get("ref")):
			reply200(w, []object{{"id": "x"}})
		case is(at, "projects/*/repository/tree"), is(at, "projects/*/repository/files/*"):
			fail(w, 404, `{"message":"404 Tree Not Found"}`)
		case is(at, "projects/*/merge_requests"):
			list := []object{}
			for _, p := range f.pulls {
				if hasAll(p.labels, strings.FieldsFunc(query.Get("labels"), func(r rune) bool { return r == ',' })) && (query.Get("state") == "" || query.Get("state") == "opened") {
					list = append(list, object{"iid": p.number, "title": p.title, "source_branch": p.branch, "target_branch": p.into, "sha": sha("pull", p.branch),
						"labels": p.labels, "author": object{"username": p.author}})
				}
			}
			numbered(f, w, r, list)
		default:
			fail(w, 404, `{"error":"404 Not Found"}`)
		}
	})
}

func bitbucketHost(f *forge) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		at, query := segments(r, "/"), r.URL.Query()
		listed := func(items []object) {
			n := number(query, "page", 1)
			page, more := slice(f, items, n, number(query, "pagelen", 10))
			answer := object{"values": page, "page": n}
			if more {
				query.Set("page", fmt.Sprint(n+1))
				answer["next"] = "https://api.bitbucket.org/2.0" + r.URL.Path + "?" + query.Encode()
			}
			reply200(w, answer)
		}
		var repo forgeRepo
		if len(at) > 2 {
			repo, _ = f.repo(at[2])
		}
		tip := func(b string) object { return object{"name": b, "target": object{"hash": sha(repo.name, b)}} }
		switch {
		case len(at) < 2 || at[0] != "repositories" || at[1] != f.owner, len(at) > 2 && repo.name == "":
			fail(w, 404, `{"type":"error","error":{"message":"Repository team/x not found"}}`)
		case is(at, "repositories/*") && query.Get("role") == "member":
			list := []object{}
			for _, r := range f.repos {
				one := object{"uuid": fmt.Sprintf("{%d}", r.id), "slug": r.name, "links": object{"clone": []object{
					{"name": "https", "href": "https://host/" + f.owner + "/" + r.name + ".git"}, {"name": "ssh", "href": "git@host:" + f.owner + "/" + r.name + ".git"}}}}
				one["mainbranch"] = nil
				if len(r.branches) > 0 {
					one["mainbranch"] = object{"name": r.branches[0]}
				}
				list = append(list, one)
			}
			listed(list)
		case is(at, "repositories/*/*/refs/branches"):
			listed(branchList(repo, tip))
		case is(at, "repositories/*/*/refs/branches/**") && repo.has(strings.Join(at[5:], "/")):
			reply200(w, tip(strings.Join(at[5:], "/")))
		case is(at, "repositories/*/*/src/*/**") && repo.kind(strings.Join(at[5:], "/")) != "" && query.Get("format") == "meta":
			reply200(w, object{})
		case is(at, "repositories/*/*/pullrequests"):
			list := []object{}
			for _, p := range f.pulls {
				list = append(list, object{"id": p.number, "title": p.title, "author": object{"nickname": p.author}, "destination": object{"branch": object{"name": p.into}},
					"source": object{"branch": object{"name": p.branch}, "commit": object{"hash": sha("pull", p.branch)}}})
			}
			listed(list)
		default:
			fail(w, 404, `{"type":"error","error":{"message":"No such file"}}`)
		}
	})
}

func bitbucketServerHost(f *forge) http.Handler {
	problem := func(text, exception string) string {
		return fmt.Sprintf(`{"errors":[{"context":null,"message":%q,"exceptionName":"com.atlassian.bitbucket.%s"}]}`, text, exception)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		at, query := segments(r, "/rest/api/1.0/"), r.URL.Query()
		listed := func(items []object) {
			from := number(query, "start", 0)
			size := min(f.page, number(query, "limit", 25))
			to := min(from+size, len(items))
			answer := object{"values": items[from:to], "isLastPage": to == len(items), "start": from, "nextPageStart": nil}
			if to < len(items) {
				answer["nextPageStart"] = to
			}
			reply200(w, answer)
		}
		var repo forgeRepo
		if len(at) > 3 {
			repo, _ = f.repo(at[3])
		}
		tip := func(b string) object {
			return object{"id": "refs/heads/" + b, "displayId": b, "latestCommit": sha(repo.name, b)}
		}
		switch {
		case len(at) < 2 || at[1] != f.owner:
			fail(w, 404, problem("Project x does not exist.", "project.NoSuchProjectException"))
		case is(at, "projects/*/repos"):
			list := []object{}
			for _, r := range f.repos {
				list = append(list, object{"id": r.id, "slug": r.name, "name": r.name, "project": object{"key": f.owner}, "links": object{"clone": []object{
					{"name": "ssh", "href": "git@host:" + f.owner + "/" + r.name + ".git"}, {"name": "http", "href": "https://host/" + f.owner + "/" + r.name + ".git"}}}})
			}
			listed(list)
		case len(at) > 3 && repo.name == "":
			fail(w, 404, problem("Repository x does not exist.", "repository.NoSuchRepositoryException"))
		case is(at, "projects/*/repos/*/branches/default"):
			if len(repo.branches) == 0 {
				fail(w, 404, problem("refs/heads/main is set as the default branch, but this branch does not exist", "repository.NoDefaultBranchException"))
				return
			}
			reply200(w, tip(repo.branches[0]))
		case is(at, "projects/*/repos/*/branches"):
			listed(branchList(repo, tip))
		case is(at, "projects/*/repos/*/browse/**") && repo.kind(strings.Join(at[5:], "/")) != "" && repo.has(query.Get("at")):
			reply200(w, object{"type": "FILE"})
		case is(at, "projects/*/repos/*/pull-requests"):
			list := []object{}
			for _, p := range f.pulls {
				list = append(list, object{"id": p.number, "title": p.title, "author": object{"user": object{"name": p.author}},
					"fromRef": object{"displayId": p.branch, "latestCommit": sha("pull", p.branch)}, "toRef": object{"displayId": p.into}})
			}
			listed(list)
		default:
			fail(w, 404, problem("The path does not exist", "content.NoSuchPathException"))
		}
	})
}

func azureHost(f *forge) http.Handler {
	problem := func(text, kind string) string {
		return fmt.Sprintf(`{"$id":"1","message":%q,"typeKey":%q,"errorCode":0}`, text, kind)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		at, query := segments(r, "/org/"), r.URL.Query()
		listed := func(items []object) { reply200(w, object{"count": len(items), "value": items}) }
		var repo forgeRepo
		if len(at) > 4 {
			repo, _ = f.repo(at[4])
		}
		tip := func(b string) object { return object{"name": b, "commit": object{"commitId": sha(repo.name, b)}} }
		switch {
		case query.Get("api-version") == "":
			fail(w, 400, problem("No api-version was supplied", "VssVersionNotSpecifiedException"))
		case len(at) < 2 || at[0] != f.owner:
			fail(w, 404, problem("TF200016: The following project does not exist: x. Verify the name.", "ProjectDoesNotExistWithNameException"))
		case is(at, "*/_apis/git/repositories"):
			list := []object{}
			for _, r := range f.repos {
				one := object{"id": fmt.Sprint(r.id), "name": r.name, "remoteUrl": "https://host/" + f.owner + "/" + r.name + ".git", "isDisabled": r.archived}
				if len(r.branches) > 0 {
					one["defaultBranch"] = "refs/heads/" + r.branches[0]
				}
				list = append(list, one)
			}
			listed(list)
		case len(at) > 4 && repo.name == "":
			fail(w, 404, problem("TF401019: The Git repository x does not exist", "GitRepositoryNotFoundException"))
		case is(at, "*/_apis/git/repositories/*/stats/branches"):
			if name := query.Get("name"); name == "" {
				listed(branchList(repo, tip))
			} else if repo.has(name) {
				reply200(w, tip(name))
			} else {
				fail(w, 404, problem("no such branch", "GitUnresolvableToCommitException"))
			}
		case is(at, "*/_apis/git/repositories/*/items") && repo.kind(query.Get("path")) != "" && repo.has(query.Get("versionDescriptor.version")):
			reply200(w, object{"path": query.Get("path")})
		case is(at, "*/_apis/git/repositories/*/items"):
			fail(w, 404, problem("TF401174: The item could not be found", "GitItemNotFoundException"))
		case is(at, "*/_apis/git/pullrequests"):
			list := []object{}
			for _, p := range f.pulls {
				labels := []object{}
				for _, label := range p.labels {
					labels = append(labels, object{"name": label})
				}
				list = append(list, object{"pullRequestId": p.number, "title": p.title, "labels": labels, "sourceRefName": "refs/heads/" + p.branch, "targetRefName": "refs/heads/" + p.into,
					"lastMergeSourceCommit": object{"commitId": sha("pull", p.branch)}, "repository": object{"name": "api"}, "createdBy": object{"uniqueName": p.author + "@example.com"}})
			}
			skip := min(number(query, "$skip", 0), len(list))
			listed(list[skip:min(skip+number(query, "$top", 101), len(list))])
		default:
			fail(w, 404, problem("not found", "VssResourceNotFoundException"))
		}
	})
}
