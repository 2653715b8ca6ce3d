package access

import "testing"

// BenchmarkList is a list of 10,000 applications, by the admin and by a user with 200 policies of different shapes.
func BenchmarkList(b *testing.B) {
	for _, user := range []string{"admin", "u"} {
		b.Run(user, func(b *testing.B) {
			policy, objects := manyPolicies(b)
			for b.Loop() {
				check := policy.User(user).Check(Applications, Get)
				for _, object := range objects {
					check(object)
				}
			}
		})
	}
}
