package protocol

// SessionCreateRequest logs on with name and password.
type SessionCreateRequest struct {
	Username string `json:"username,omitempty" protobuf:"bytes,1,opt,name=username"`
	Password string `json:"password,omitempty" protobuf:"bytes,2,opt,name=password"`
	// Token is of a way to log on that upstream no longer has.
	Token string `json:"token,omitempty" protobuf:"bytes,3,opt,name=token"`
}

// SessionDeleteRequest logs out.
type SessionDeleteRequest struct{}

// SessionResponse carries the token; empty after logging out.
type SessionResponse struct {
	Token string `json:"token,omitempty" protobuf:"bytes,1,opt,name=token"`
}

// GetUserInfoRequest asks who the caller is.
type GetUserInfoRequest struct{}

// GetUserInfoResponse is who the caller is.
type GetUserInfoResponse struct {
	LoggedIn bool   `json:"loggedIn,omitempty" protobuf:"varint,1,opt,name=loggedIn"`
	Username string `json:"username,omitempty" protobuf:"bytes,2,opt,name=username"`
	// Issuer of the token: "argocd" for local accounts.
	Issuer string   `json:"iss,omitempty" protobuf:"bytes,3,opt,name=iss"`
	Groups []string `json:"groups,omitempty" protobuf:"bytes,4,rep,name=groups"`
}

// UpdatePasswordRequest changes a password.
type UpdatePasswordRequest struct {
	NewPassword string `json:"newPassword,omitempty" protobuf:"bytes,1,opt,name=newPassword"`
	// CurrentPassword is the caller's own, also when changing another's.
	CurrentPassword string `json:"currentPassword,omitempty" protobuf:"bytes,2,opt,name=currentPassword"`
	// Name is the account; empty means the caller's.
	Name string `json:"name,omitempty" protobuf:"bytes,3,opt,name=name"`
}

// UpdatePasswordResponse is an empty answer.
type UpdatePasswordResponse struct{}

// CanIRequest asks whether the caller may do something.
type CanIRequest struct {
	Resource string `json:"resource,omitempty" protobuf:"bytes,1,opt,name=resource"`
	Action   string `json:"action,omitempty" protobuf:"bytes,2,opt,name=action"`
	// Subresource is the object, such as PROJECT/APPLICATION.
	Subresource string `json:"subresource,omitempty" protobuf:"bytes,3,opt,name=subresource"`
}

// CanIResponse says "yes" or "no".
type CanIResponse struct {
	Value string `json:"value,omitempty" protobuf:"bytes,1,opt,name=value"`
}

// GetAccountRequest names an account.
type GetAccountRequest struct {
	Name string `json:"name,omitempty" protobuf:"bytes,1,opt,name=name"`
}

// ListAccountRequest asks for all accounts.
type ListAccountRequest struct{}

// Account is a local account.
type Account struct {
	Name    string `json:"name,omitempty" protobuf:"bytes,1,opt,name=name"`
	Enabled bool   `json:"enabled,omitempty" protobuf:"varint,2,opt,name=enabled"`
	// Capabilities are "login" and "apiKey".
	Capabilities []string `json:"capabilities,omitempty" protobuf:"bytes,3,rep,name=capabilities"`
	Tokens       []*Token `json:"tokens,omitempty" protobuf:"bytes,4,rep,name=tokens"`
}

// AccountsList is a list of accounts.
type AccountsList struct {
	Items []*Account `json:"items,omitempty" protobuf:"bytes,1,rep,name=items"`
}

// Token is an API key without its secret; times are Unix seconds, ExpiresAt 0 means never.
type Token struct {
	ID        string `json:"id,omitempty" protobuf:"bytes,1,opt,name=id"`
	IssuedAt  int64  `json:"issuedAt,omitempty" protobuf:"varint,2,opt,name=issuedAt"`
	ExpiresAt int64  `json:"expiresAt,omitempty" protobuf:"varint,3,opt,name=expiresAt"`
}

// CreateTokenRequest makes an API key.
type CreateTokenRequest struct {
	Name string `json:"name,omitempty" protobuf:"bytes,1,opt,name=name"`
	// ExpiresIn is in seconds; 0 means never.
	ExpiresIn int64 `json:"expiresIn,omitempty" protobuf:"varint,2,opt,name=expiresIn"`
	// ID is chosen if empty.
	ID string `json:"id,omitempty" protobuf:"bytes,3,opt,name=id"`
}

// CreateTokenResponse carries the key; it isn't kept.
type CreateTokenResponse struct {
	Token string `json:"token,omitempty" protobuf:"bytes,1,opt,name=token"`
}

// DeleteTokenRequest revokes an API key.
type DeleteTokenRequest struct {
	Name string `json:"name,omitempty" protobuf:"bytes,1,opt,name=name"`
	ID   string `json:"id,omitempty" protobuf:"bytes,2,opt,name=id"`
}

// AccountResponse is an empty answer.
type AccountResponse struct{}
