package githost

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
)

// maxAPIBody bounds the body of an API call.
const maxAPIBody = 64 << 10

// serveAPI answers the few calls of Gitea's API that a local fleet and its tests use:
//
//	GET    repos/OWNER/NAME                            the repository, as in webhooks
//	GET    repos/OWNER/NAME/branch_protections         the protected branches
//	POST   repos/OWNER/NAME/branch_protections         {"rule_name": "main"}: refuse pushes to main
//	DELETE repos/OWNER/NAME/branch_protections/main    allow them again
func (h *Host) serveAPI(w http.ResponseWriter, r *http.Request, path string) {
	write := r.Method != http.MethodGet && r.Method != http.MethodHead
	if _, ok := h.authorize(w, r, write); !ok {
		return
	}
	rest, isRepository := strings.CutPrefix(path, "repos/")
	name, rule, isProtection := strings.Cut(rest, "/branch_protections")
	rule = strings.TrimPrefix(rule, "/")
	repo, err := h.existing(name)
	switch {
	case !isRepository:
		apiError(w, http.StatusNotFound, errors.New("there is no such call"))
	case err != nil:
		apiError(w, http.StatusNotFound, err)
	case !isProtection && !write:
		apiAnswer(w, http.StatusOK, repo.describe())
	case isProtection && !write && rule == "":
		h.listProtections(w, name)
	case isProtection && r.Method == http.MethodPost && rule == "":
		h.addProtection(w, r, name)
	case isProtection && r.Method == http.MethodDelete && rule != "":
		if err := h.Unprotect(name, rule); err != nil {
			apiError(w, statusOf(err), err)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	default:
		apiError(w, http.StatusMethodNotAllowed, errors.New("there is no such call"))
	}
}

// protection is the part of Gitea's BranchProtection that this host knows.
type protection struct {
	RuleName   string `json:"rule_name"`
	BranchName string `json:"branch_name"`
	EnablePush bool   `json:"enable_push"`
}

func (h *Host) listProtections(w http.ResponseWriter, name string) {
	patterns, err := h.Protections(name)
	if err != nil {
		apiError(w, statusOf(err), err)
		return
	}
	list := make([]protection, 0, len(patterns))
	for _, p := range patterns {
		list = append(list, protection{RuleName: p, BranchName: p})
	}
	apiAnswer(w, http.StatusOK, list)
}

func (h *Host) addProtection(w http.ResponseWriter, r *http.Request, name string) {
	var p protection
	if err := json.NewDecoder(io.LimitReader(r.Body, maxAPIBody)).Decode(&p); err != nil {
		apiError(w, http.StatusUnprocessableEntity, errors.New(`the body must be JSON like {"rule_name": "main"}`))
		return
	}
	if p.RuleName == "" {
		p.RuleName = p.BranchName // Gitea's name for it before 1.20
	}
	if p.EnablePush {
		apiError(w, http.StatusUnprocessableEntity, errors.New("a protected branch takes no pushes here: enable_push can't be true"))
		return
	}
	if err := h.Protect(name, p.RuleName); err != nil {
		apiError(w, statusOf(err), err)
		return
	}
	apiAnswer(w, http.StatusCreated, protection{RuleName: p.RuleName, BranchName: p.RuleName})
}

func statusOf(err error) int {
	switch {
	case errors.Is(err, ErrNotFound):
		return http.StatusNotFound
	case errors.Is(err, ErrPattern):
		return http.StatusUnprocessableEntity
	}
	return http.StatusInternalServerError
}

func apiAnswer(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value)
}

func apiError(w http.ResponseWriter, status int, err error) {
	apiAnswer(w, status, map[string]string{"message": err.Error()})
}
