package local

// simulatedNode runs KWOK, which plays a node where there can't be a real one: its pods are ready at once, and nothing
// runs in them.
func (f *Fleet) simulatedNode(i int) []string {
	return []string{
		f.Tools.Kwok,
		"--kubeconfig", f.memberCluster(i).AdminKubeconfig(),
		"--manage-all-nodes=true",
		"--cidr", f.memberCluster(i).PodCIDR.String(),
	}
}
