package access

// The built-in roles: Argo CD's, and for builds what they give for applications.
const (
	RoleAdmin    = "role:admin"
	RoleReadonly = "role:readonly"
)

// adminUser is the user that has RoleAdmin without any policy.
const adminUser = "admin"

// builtins are the policies of the built-in roles. They are globs in either match mode.
func builtins() policies {
	p := policies{groups: []grouping{{member: RoleAdmin, role: RoleReadonly}, {member: adminUser, role: RoleAdmin}}}
	allow := func(role, resource, object string, actions ...string) {
		for _, action := range actions {
			p.rules = append(p.rules, rule{
				subject: role, resource: resource, action: action, object: object, allow: true, mode: MatchGlob,
			})
		}
	}
	for _, resource := range []string{Applications, ApplicationSets, Logs, Builds} {
		allow(RoleReadonly, resource, "*/*", Get)
	}
	for _, resource := range []string{Certificates, Clusters, Repositories, WriteRepositories, Projects, Accounts, GPGKeys} {
		allow(RoleReadonly, resource, "*", Get)
	}
	allow(RoleAdmin, Applications, "*/*",
		Create, Update, Update+"/*", Delete, Delete+"/*", Sync, Rollback, Override, Action+"/*")
	allow(RoleAdmin, ApplicationSets, "*/*", Create, Update, Delete)
	allow(RoleAdmin, Builds, "*/*", Create, Update)
	for _, resource := range []string{Certificates, Clusters, Repositories, WriteRepositories, Projects} {
		allow(RoleAdmin, resource, "*", Create, Update, Delete)
	}
	allow(RoleAdmin, Accounts, "*", Update)
	allow(RoleAdmin, GPGKeys, "*", Create, Delete)
	allow(RoleAdmin, Exec, "*/*", Create)
	return p
}
