package imagepolicy

import (
	"errors"
	"fmt"
	"path"
	"strings"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
)

// updatedSource chooses the source whose images are updated: the first that is Helm or Kustomize, and with a
// write-back-target the first of that kind.
func updatedSource(app *argo.Application) (argo.ApplicationSource, int, argo.ApplicationSourceType, error) {
	want := argo.ApplicationSourceType("")
	switch target := annotations(app.Annotations).get(keyTarget); {
	case isTarget(target, string(Kustomization)):
		want = argo.ApplicationSourceTypeKustomize
	case isTarget(target, string(HelmValues)):
		want = argo.ApplicationSourceTypeHelm
	}
	for i, source := range app.Spec.AllSources() {
		kind := sourceType(app, i, source)
		if kind == "" && source.Ref == "" {
			return argo.ApplicationSource{}, 0, "", ErrUnknownType
		}
		updatable := kind == argo.ApplicationSourceTypeHelm || kind == argo.ApplicationSourceTypeKustomize
		if updatable && (want == "" || want == kind) {
			return source, i, kind, nil
		}
	}
	if want == "" {
		return argo.ApplicationSource{}, 0, "", errors.New("none of its sources is Helm or Kustomize: images of plain manifests can't be updated")
	}
	return argo.ApplicationSource{}, 0, "", fmt.Errorf("none of its sources is %s, which its annotation %s asks for",
		want, AnnotationPrefix+keyTarget)
}

// sourceType is what the spec says, else what the application controller found; empty if neither is known.
func sourceType(app *argo.Application, i int, source argo.ApplicationSource) argo.ApplicationSourceType {
	switch {
	case source.Kustomize != nil:
		return argo.ApplicationSourceTypeKustomize
	case source.Helm != nil || source.Chart != "":
		return argo.ApplicationSourceTypeHelm
	case source.Directory != nil:
		return argo.ApplicationSourceTypeDirectory
	case source.Plugin != nil:
		return argo.ApplicationSourceTypePlugin
	case !app.Spec.HasSeveralSources():
		return app.Status.SourceType
	case i < len(app.Status.SourceTypes):
		return app.Status.SourceTypes[i]
	}
	return ""
}

func (p *parser) writeBack(source argo.ApplicationSource, hubNamespace string) WriteBack {
	w := WriteBack{Repository: source.RepoURL, Base: source.TargetRevision}
	method, credentials, _ := strings.Cut(p.notes.get(keyMethod), ":")
	switch strings.TrimSpace(method) {
	case "", "argocd":
		return WriteBack{Method: WriteToApplication}
	case "git":
		w.Method = WriteToGit
	default:
		p.problem(AnnotationPrefix+keyMethod, "%q is no write-back method: use argocd, git, git:repocreds or git:secret:NAME", method)
	}
	if credentials = strings.TrimSpace(credentials); credentials != "" && credentials != "repocreds" {
		ref, err := parseGitSecret(credentials, p.app.Namespace)
		if err != nil {
			p.problem(AnnotationPrefix+keyMethod, "%w", err)
		}
		w.Secret = ref
	}
	if repository := p.notes.get(keyRepository); repository != "" {
		w.Repository = repository
	} else if source.Chart != "" {
		p.problem(AnnotationPrefix+keyMethod, "the source is a chart of a Helm repository, which takes no commits: name the Git repository in %s",
			AnnotationPrefix+keyRepository)
	}
	p.branches(&w)
	w.Target = p.target(source.Path, hubNamespace)
	return w
}

func (p *parser) branches(w *WriteBack) {
	if value := p.notes.get(keyBranch); value != "" {
		base, branch, both := strings.Cut(value, ":")
		if strings.Contains(branch, ":") {
			p.problem(AnnotationPrefix+keyBranch, "%q has more than one colon: want BRANCH or BASE:BRANCH", value)
		}
		if base = strings.TrimSpace(base); base != "" {
			w.Base = base
		}
		if w.Branch = strings.TrimSpace(branch); both && w.Branch == "" {
			p.problem(AnnotationPrefix+keyBranch, "%q has no branch behind the colon", value)
		}
		if err := checkBranchTemplate(w.Branch); err != nil {
			p.problem(AnnotationPrefix+keyBranch, "%w", err)
		}
	}
	if w.Base = strings.TrimPrefix(w.Base, "refs/heads/"); w.Base == "HEAD" {
		w.Base = ""
	}
}

// target reads write-back-target: kustomization[:path], helmvalues[:path], or (as upstream still does) the path of the
// .argocd-source file from the repository's root.
func (p *parser) target(sourcePath, hubNamespace string) Target {
	value := p.notes.get(keyTarget)
	resolve := func(kind TargetKind, file string) Target {
		if !strings.HasPrefix(file, "/") {
			file = path.Join(sourcePath, file)
		}
		file = path.Clean(strings.TrimPrefix(path.Clean(file), "/"))
		if file == ".." || strings.HasPrefix(file, "../") {
			p.problem(AnnotationPrefix+keyTarget, "%q is outside the repository", value)
		}
		return Target{Kind: kind, Path: file}
	}
	kind, file, _ := strings.Cut(value, ":")
	switch {
	case value == "":
		name := ".argocd-source-" + p.app.Name + ".yaml"
		if hubNamespace != "" && p.app.Namespace != "" && p.app.Namespace != hubNamespace {
			name = ".argocd-source-" + p.app.Namespace + "_" + p.app.Name + ".yaml"
		}
		return resolve(SourceFile, name)
	case kind == string(Kustomization):
		return resolve(Kustomization, file)
	case kind == string(HelmValues) && file == "":
		return resolve(HelmValues, defaultValuesFile)
	case kind == string(HelmValues):
		return resolve(HelmValues, file)
	default:
		return resolve(SourceFile, "/"+value)
	}
}

// checkTargets finds images that the target has no place for.
func (p *parser) checkTargets(policy *Policy) {
	if policy.WriteBack.Target.Kind != HelmValues {
		return
	}
	for _, image := range policy.Images {
		if image.HelmTag == "" && image.HelmSpec == "" {
			alias := image.Alias
			if alias == "" {
				alias = "ALIAS"
			}
			p.problem(AnnotationPrefix+keyTarget, "the values file has no known place for the image %s: give it an alias and say which value holds its tag in %s%s.%s",
				image.Repository, AnnotationPrefix, alias, keyHelmTag)
		}
	}
}

func isTarget(value, kind string) bool {
	return value == kind || strings.HasPrefix(value, kind+":")
}

// ParsePullSecret reads pullsecret:NAMESPACE/NAME, secret:NAMESPACE/NAME#FIELD or env:NAME. Scripts (ext:) are refused: the hub
// runs no programs on behalf of those who may annotate an application.
func ParsePullSecret(s string) (SecretRef, error) {
	kind, rest, _ := strings.Cut(s, ":")
	switch kind {
	case "pullsecret", "secret":
		rest, field, _ := strings.Cut(rest, "#")
		namespace, name, ok := strings.Cut(rest, "/")
		if !ok || namespace == "" || name == "" || strings.Contains(name, "/") {
			return SecretRef{}, fmt.Errorf("%q names no Secret: want %s:NAMESPACE/NAME", s, kind)
		}
		if kind == "secret" && field == "" {
			return SecretRef{}, fmt.Errorf("%q names no field: want secret:NAMESPACE/NAME#FIELD, a field of the form user:password", s)
		}
		return SecretRef{Kind: kind, Namespace: namespace, Name: name, Field: field}, nil
	case "env":
		if rest == "" {
			return SecretRef{}, fmt.Errorf("%q names no variable: want env:NAME", s)
		}
		return SecretRef{Kind: kind, Name: rest}, nil
	case "ext":
		return SecretRef{}, errors.New("scripts (ext:) are not run: keep the credentials in a Secret and name it as pullsecret:NAMESPACE/NAME")
	}
	return SecretRef{}, fmt.Errorf("%q is no pull secret: use pullsecret:NAMESPACE/NAME or secret:NAMESPACE/NAME#FIELD", s)
}

// parseGitSecret reads secret:[NAMESPACE/]NAME. The namespace must be the application's own, as upstream demands: otherwise
// whoever may annotate an application could use, and send anywhere, the secrets of others.
func parseGitSecret(s, namespace string) (SecretRef, error) {
	rest, ok := strings.CutPrefix(s, "secret:")
	name := rest
	if before, after, both := strings.Cut(rest, "/"); both {
		if name = after; before != namespace {
			return SecretRef{}, fmt.Errorf("the Secret %s must be in the application's own namespace %s", rest, namespace)
		}
	}
	if !ok || name == "" || strings.Contains(name, "/") {
		return SecretRef{}, fmt.Errorf("%q names no credentials: want git:repocreds or git:secret:NAME", s)
	}
	return SecretRef{Kind: "secret", Namespace: namespace, Name: name}, nil
}
