package node

import (
	"embed"
	"path"
	"text/template"
)

//go:embed templates
var templates embed.FS

var (
	containerdConfig = parse("containerd.toml")
	kubeletConfig    = parse("kubelet.yaml")
	proxyConfig      = parse("kube-proxy.yaml")
	cniConfig        = parse("cni.conflist")
)

func parse(name string) *template.Template {
	return template.Must(template.New(name).Option("missingkey=error").ParseFS(templates, path.Join("templates", name)))
}

// values are what the templates may use.
func (s Spec) values() map[string]string {
	return map[string]string{
		"Name":        s.Name,
		"Address":     s.Address.Addr().String(),
		"PodCIDR":     s.PodCIDR.String(),
		"Etc":         etc,
		"CNI":         homeCNI,
		"Containerd":  containerd,
		"PauseImage":  pauseImage,
		"Snapshotter": s.Snapshotter,
	}
}
