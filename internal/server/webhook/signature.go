package webhook

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"hash"
	"net/http"
	"strings"
)

// hmacHeader checks a header that holds the hexadecimal HMAC-SHA256 of the body, after a prefix.
func hmacHeader(name, prefix string) func(http.Header, []byte, []byte) bool {
	return func(header http.Header, body, secret []byte) bool {
		return validMAC(header.Get(name), prefix, sha256.New, body, secret)
	}
}

// githubSignature prefers the SHA-256 signature; hosts that only know the older SHA-1 (GitHub Enterprise before 2.23)
// are still believed by it, as in Argo CD.
func githubSignature(header http.Header, body, secret []byte) bool {
	if signature := header.Get("X-Hub-Signature-256"); signature != "" {
		return validMAC(signature, "sha256=", sha256.New, body, secret)
	}
	return validMAC(header.Get("X-Hub-Signature"), "sha1=", sha1.New, body, secret)
}

func validMAC(signature, prefix string, algorithm func() hash.Hash, body, secret []byte) bool {
	digits, ok := strings.CutPrefix(signature, prefix)
	if !ok {
		return false
	}
	given, err := hex.DecodeString(digits)
	if err != nil {
		return false
	}
	mac := hmac.New(algorithm, secret)
	mac.Write(body)
	return hmac.Equal(given, mac.Sum(nil))
}

// token checks a header that holds the secret itself.
func token(name string) func(http.Header, []byte, []byte) bool {
	return func(header http.Header, _, secret []byte) bool {
		return equal(header.Get(name), secret)
	}
}

// equal compares in a time that doesn't tell where the difference is; the length isn't secret once both are hashed.
func equal(given string, secret []byte) bool {
	a, b := sha256.Sum256([]byte(given)), sha256.Sum256(secret)
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}
