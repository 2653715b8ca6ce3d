package action

// Catalog are the actions there are. A nil Catalog has the built-in ones.
type Catalog struct{ custom map[string]*Custom }

// NewCatalog makes a Catalog of an operator's actions by kind, as argocd-cm writes kinds.
func NewCatalog(custom map[string]*Custom) *Catalog { return &Catalog{custom} }
