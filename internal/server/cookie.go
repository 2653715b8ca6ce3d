package server

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// tokenCookie is the cookie of browsers. Long tokens are cut: the first cookie then holds "COUNT:…" and the others are
// argocd.token-1, …
const tokenCookie = "argocd.token"

const (
	// maxCookie is what is safe in one cookie, with its name and attributes in 4093 bytes; maxCookies is upstream's.
	maxCookie  = 3800
	maxCookies = 20
)

func cookieName(i int) string {
	if i == 0 {
		return tokenCookie
	}
	return tokenCookie + "-" + strconv.Itoa(i)
}

// setBrowserCookie sets a cookie that only the browser's own navigation to the hub carries, and no script reads.
func (s *Server) setBrowserCookie(w http.ResponseWriter, r *http.Request, cookie *http.Cookie) {
	cookie.Path, cookie.HttpOnly, cookie.SameSite = s.options.baseHRef(), true, http.SameSiteLaxMode
	cookie.Secure = r.TLS != nil || strings.HasPrefix(s.ownURL(r.Context()), "https://")
	http.SetCookie(w, cookie)
}

// setTokenCookies keeps a session in a browser; an empty token ends it there.
func (s *Server) setTokenCookies(w http.ResponseWriter, r *http.Request, token string) error {
	count := (len(token) + maxCookie - 1) / maxCookie
	if count > maxCookies {
		return fmt.Errorf("the authentication token is %d characters long and requires %d cookies but the max number of cookies is %d; ask the identity provider for fewer claims", len(token), count, maxCookies)
	}
	for i := range count {
		value := token[i*maxCookie : min(len(token), (i+1)*maxCookie)]
		if i == 0 && count > 1 {
			value = strconv.Itoa(count) + ":" + value
		}
		s.setBrowserCookie(w, r, &http.Cookie{Name: cookieName(i), Value: value})
	}
	s.clearTokenCookies(w, r, count)
	return nil
}

// clearTokenCookies takes back the cookies from a number on, of those that the browser has; the first one always.
func (s *Server) clearTokenCookies(w http.ResponseWriter, r *http.Request, from int) {
	for i := from; i < maxCookies; i++ {
		if _, err := r.Cookie(cookieName(i)); err == nil || i == 0 {
			s.setBrowserCookie(w, r, &http.Cookie{Name: cookieName(i), MaxAge: -1})
		}
	}
}

// tokenFromCookies puts a token together again. Cookies left over from a longer one don't count.
func tokenFromCookies(header http.Header) string {
	parts := map[string]string{}
	for _, cookie := range (&http.Request{Header: header}).Cookies() {
		if _, twice := parts[cookie.Name]; !twice && strings.HasPrefix(cookie.Name, tokenCookie) {
			parts[cookie.Name] = cookie.Value
		}
	}
	first, rest, many := strings.Cut(parts[tokenCookie], ":")
	if !many {
		return first
	}
	count, err := strconv.Atoi(first)
	if err != nil || count < 1 || count > maxCookies {
		return ""
	}
	token := rest
	for i := 1; i < count; i++ {
		part, ok := parts[cookieName(i)]
		if !ok {
			return ""
		}
		token += part
	}
	return token
}
