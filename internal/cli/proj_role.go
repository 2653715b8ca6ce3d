package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/cli/output"
	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

func newProjRoleCommand(r *root) *cobra.Command {
	return group("role", "Roles of a project, for groups and for tokens", nil,
		newProjRoleListCommand(r), newProjRoleGetCommand(r), newProjRoleCreateCommand(r), newProjRoleDeleteCommand(r),
		newProjRolePolicyCommand(r, true), newProjRolePolicyCommand(r, false),
		newProjRoleGroupCommand(r, true), newProjRoleGroupCommand(r, false),
		newProjRoleNewTokenCommand(r), newProjRoleTokensCommand(r), newProjRoleDropTokenCommand(r),
	)
}

// roleOf finds a role of a project.
func roleOf(p *v1alpha1.AppProject, name string) (*v1alpha1.ProjectRole, error) {
	i := slices.IndexFunc(p.Spec.Roles, func(role v1alpha1.ProjectRole) bool { return role.Name == name })
	if i < 0 {
		return nil, fmt.Errorf("role '%s' does not exist in project '%s'", name, p.Name)
	}
	return &p.Spec.Roles[i], nil
}

func newProjRoleListCommand(r *root) *cobra.Command {
	cmd := &cobra.Command{Use: "list PROJECT", Short: "List the roles of a project", Args: exactArgs("PROJECT"), Example: "  fairlead proj role list demo"}
	format := outputFlag(cmd, output.Wide, output.Name, output.JSON, output.YAML)
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, args []string) error {
		p, err := client.Call(ctx, c, protocol.ProjectGet, &protocol.ProjectQuery{Name: args[0]})
		if err != nil {
			return err
		}
		return output.Print(r.streams.Out, format.Format, p.Spec.Roles, p.Spec.Roles, []output.Column[v1alpha1.ProjectRole]{
			{Title: "ROLE-NAME", Cell: func(role v1alpha1.ProjectRole) string { return role.Name }},
			{Title: "DESCRIPTION", Cell: func(role v1alpha1.ProjectRole) string { return role.Description }},
		})
	})
	return cmd
}

func newProjRoleGetCommand(r *root) *cobra.Command {
	return &cobra.Command{
		Use: "get PROJECT ROLE-NAME", Short: "Show a role", Args: exactArgs("PROJECT", "ROLE-NAME"), Example: "  fairlead proj role get demo ci",
		RunE: r.run(func(ctx context.Context, c *client.Client, args []string) error {
			p, err := client.Call(ctx, c, protocol.ProjectGet, &protocol.ProjectQuery{Name: args[0]})
			if err != nil {
				return err
			}
			role, err := roleOf(p, args[1])
			if err != nil {
				return err
			}
			r.printf("%-15s%s\n%-15s%s\nPolicies:\n", "Role Name:", role.Name, "Description:", role.Description)
			r.printf("%s\nGroups:\n", strings.Join(policies(p), "\n"))
			for _, group := range role.Groups {
				r.printf("  - %s\n", group)
			}
			if len(role.Groups) == 0 {
				r.printf("<none>\n")
			}
			r.printf("JWT Tokens:\n")
			rows := [][]string{{"ID", "ISSUED-AT", "EXPIRES-AT"}}
			for _, token := range tokensOf(p, role) {
				expires := "<none>"
				if token.ExpiresAt > 0 {
					expires = humanTime(token.ExpiresAt)
				}
				rows = append(rows, []string{fmt.Sprint(token.IssuedAt), humanTime(token.IssuedAt), expires})
			}
			return output.Lines(r.streams.Out, rows)
		}),
	}
}

// policies are those of all roles of a project, with the membership of groups and of tokens.
func policies(p *v1alpha1.AppProject) []string {
	var lines []string
	for _, role := range p.Spec.Roles {
		subject := "proj:" + p.Name + ":" + role.Name
		lines = append(lines, fmt.Sprintf("p, %s, projects, get, %s, allow", subject, p.Name))
		lines = append(lines, role.Policies...)
		for _, group := range role.Groups {
			lines = append(lines, fmt.Sprintf("g, %s, %s", group, subject))
		}
	}
	return lines
}

func newProjRoleCreateCommand(r *root) *cobra.Command {
	var description string
	cmd := r.projChangeSaid(&cobra.Command{
		Use: "create PROJECT ROLE-NAME", Short: "Create a role", Args: exactArgs("PROJECT", "ROLE-NAME"), Example: "  fairlead proj role create demo ci",
	}, func(p *v1alpha1.AppProject, args []string) (bool, error) {
		if _, err := roleOf(p, args[1]); err == nil {
			r.printf("Role '%s' already exists\n", args[1])
			return false, nil
		}
		p.Spec.Roles = append(p.Spec.Roles, v1alpha1.ProjectRole{Name: args[1], Description: description})
		return true, nil
	}, func(args []string) string { return fmt.Sprintf("Role '%s' created", args[1]) })
	cmd.Flags().StringVar(&description, "description", "", "description")
	return cmd
}

func newProjRoleDeleteCommand(r *root) *cobra.Command {
	cmd := r.projChangeSaid(&cobra.Command{
		Use: "delete PROJECT ROLE-NAME", Aliases: []string{"remove"}, Short: "Delete a role", Args: exactArgs("PROJECT", "ROLE-NAME"),
		Example: "  fairlead proj role delete demo ci",
	}, func(p *v1alpha1.AppProject, args []string) (bool, error) {
		if _, err := roleOf(p, args[1]); err != nil {
			r.printf("Role '%s' does not exist in project\n", args[1])
			return false, nil
		}
		if !r.confirm(fmt.Sprintf("Are you sure you want to delete '%s' role? [y/n]", args[1])) {
			r.printf("The command to delete role '%s' was cancelled.\n", args[1])
			return false, nil
		}
		p.Spec.Roles = slices.DeleteFunc(p.Spec.Roles, func(role v1alpha1.ProjectRole) bool { return role.Name == args[1] })
		return true, nil
	}, func(args []string) string { return fmt.Sprintf("Role '%s' deleted", args[1]) })
	return cmd
}

// projectScoped are the resources that policies of a project may be about.
var projectScoped = []string{"applications", "applicationsets", "logs", "exec", "clusters", "repositories"}

func newProjRolePolicyCommand(r *root, add bool) *cobra.Command {
	var action, permission, object, resource string
	cmd := r.projChange(&cobra.Command{
		Use: verb(add) + "-policy PROJECT ROLE-NAME", Short: "Policies of a role: " + verb(add) + " one", Args: exactArgs("PROJECT", "ROLE-NAME"),
		Example: "  fairlead proj role " + verb(add) + "-policy demo ci -a sync -p allow -o '*'",
	}, func(p *v1alpha1.AppProject, args []string) (bool, error) {
		if !slices.Contains(projectScoped, resource) {
			return false, &UsageError{fmt.Errorf("policies of projects are about %s, not about %q", strings.Join(projectScoped, ", "), resource)}
		}
		role, err := roleOf(p, args[1])
		if err != nil {
			return false, err
		}
		policy := fmt.Sprintf("p, proj:%s:%s, %s, %s, %s/%s, %s", p.Name, role.Name, resource, action, p.Name, object, permission)
		if add {
			role.Policies = append(role.Policies, policy)
			return true, nil
		}
		if !slices.Contains(role.Policies, policy) {
			return false, nil
		}
		if !r.confirm(fmt.Sprintf("Are you sure you want to delete '%s' policy? [y/n]", policy)) {
			r.printf("The command to delete policy '%s' was cancelled.\n", policy)
			return false, nil
		}
		return remove(&role.Policies, policy), nil
	})
	cmd.Flags().StringVarP(&action, "action", "a", "", "action, such as get, create, sync, update, delete")
	cmd.Flags().StringVarP(&permission, "permission", "p", "allow", "allow or deny")
	cmd.Flags().StringVarP(&object, "object", "o", "", "object of the project, or * for all")
	cmd.Flags().StringVarP(&resource, "resource", "r", "applications", "what the object is: "+strings.Join(projectScoped, ", "))
	return cmd
}

func newProjRoleGroupCommand(r *root, add bool) *cobra.Command {
	done := "added to"
	if !add {
		done = "removed from"
	}
	cmd := r.projChangeSaid(&cobra.Command{
		Use: verb(add) + "-group PROJECT ROLE-NAME GROUP-CLAIM", Short: "Groups that have a role: " + verb(add) + " one",
		Args: exactArgs("PROJECT", "ROLE-NAME", "GROUP-CLAIM"), Example: "  fairlead proj role " + verb(add) + "-group demo ci developers",
	}, func(p *v1alpha1.AppProject, args []string) (bool, error) {
		role, err := roleOf(p, args[1])
		if err != nil {
			return false, err
		}
		switch present := slices.Contains(role.Groups, args[2]); {
		case add && present:
			r.printf("Group '%s' already present in role '%s'\n", args[2], args[1])
			return false, nil
		case add:
			role.Groups = append(role.Groups, args[2])
		case !present:
			r.printf("Group '%s' not present in role '%s'\n", args[2], args[1])
			return false, nil
		case !r.confirm(fmt.Sprintf("Are you sure you want to remove '%s' group from role '%s'? [y/n]", args[2], args[1])):
			r.printf("The command to remove group '%s' from role '%s' was cancelled.\n", args[2], args[1])
			return false, nil
		default:
			remove(&role.Groups, args[2])
		}
		return true, nil
	}, func(args []string) string { return fmt.Sprintf("Group '%s' %s role '%s'", args[2], done, args[1]) })
	return cmd
}
