package project

import (
	"cmp"
	"slices"
	"strconv"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

// NormalizeTokens brings the two places at which tokens are listed together: each role lists all of its tokens, newest first,
// in the spec and in the status. Those of roles that have gone go, and the oldest ones, without an id, get one.
func NormalizeTokens(p *v1alpha1.AppProject) {
	byRole := map[string]v1alpha1.JWTTokens{}
	for i := range p.Spec.Roles {
		role := &p.Spec.Roles[i]
		known := map[string]v1alpha1.JWTToken{}
		for _, token := range slices.Concat(p.Status.JWTTokensByRole[role.Name].Items, role.JWTTokens) {
			if token.ID == "" {
				token.ID = strconv.FormatInt(token.IssuedAt, 10)
			}
			known[token.ID] = token
		}
		role.JWTTokens = nil
		for _, token := range known {
			role.JWTTokens = append(role.JWTTokens, token)
		}
		slices.SortFunc(role.JWTTokens, func(a, b v1alpha1.JWTToken) int {
			return cmp.Or(cmp.Compare(b.IssuedAt, a.IssuedAt), cmp.Compare(a.ID, b.ID))
		})
		if len(role.JWTTokens) > 0 {
			byRole[role.Name] = v1alpha1.JWTTokens{Items: slices.Clone(role.JWTTokens)}
		}
	}
	p.Status.JWTTokensByRole = byRole
	if len(byRole) == 0 {
		p.Status.JWTTokensByRole = nil
	}
}

// Role finds a role of a project; nil if there is none of that name.
func Role(p *v1alpha1.AppProject, name string) *v1alpha1.ProjectRole {
	for i := range p.Spec.Roles {
		if p.Spec.Roles[i].Name == name {
			return &p.Spec.Roles[i]
		}
	}
	return nil
}

// RemoveToken takes a token off both lists of a role: the one with the id or, without one, the one that was issued then. It
// tells whether there was one.
func RemoveToken(p *v1alpha1.AppProject, role string, issuedAt int64, id string) bool {
	removed := false
	without := func(tokens []v1alpha1.JWTToken) []v1alpha1.JWTToken {
		index := slices.IndexFunc(tokens, func(t v1alpha1.JWTToken) bool { return id != "" && t.ID == id })
		if index < 0 {
			index = slices.IndexFunc(tokens, func(t v1alpha1.JWTToken) bool { return issuedAt > 0 && t.IssuedAt == issuedAt })
		}
		if index < 0 {
			return tokens
		}
		removed = true
		return slices.Delete(slices.Clone(tokens), index, index+1)
	}
	found := Role(p, role)
	if found == nil {
		return false
	}
	found.JWTTokens = without(found.JWTTokens)
	if listed, ok := p.Status.JWTTokensByRole[role]; ok {
		p.Status.JWTTokensByRole[role] = v1alpha1.JWTTokens{Items: without(listed.Items)}
	}
	return removed
}
