package lru

import "testing"

func TestForgetsWhatWasUsedLeastRecently(t *testing.T) {
	cache := New[string, int](100)
	for i, key := range []string{"a", "b", "c", "d"} {
		cache.Put(key, i, 25)
	}
	if _, ok := cache.Get("a"); !ok {
		t.Fatal("a is forgotten within the budget")
	}
	cache.Put("e", 4, 25)
	if _, ok := cache.Get("b"); ok {
		t.Error("b was used least recently, and is still there")
	}
	for _, key := range []string{"a", "c", "d", "e"} {
		if _, ok := cache.Get(key); !ok {
			t.Errorf("%s is forgotten", key)
		}
	}
	if cache.Bytes() != 100 || cache.Len() != 4 {
		t.Errorf("holds %d bytes in %d values, want 100 in 4", cache.Bytes(), cache.Len())
	}
}

func TestGiantIsNotKept(t *testing.T) {
	cache := New[string, int](100)
	cache.Put("small", 1, 10)
	cache.Put("small", 2, 90)
	if _, ok := cache.Get("small"); ok || cache.Bytes() != 0 {
		t.Error("a value too large must replace the old one by nothing")
	}
	cache.Put("x", 1, 10)
	cache.Delete("x")
	if cache.Len() != 0 {
		t.Error("a deleted value is still there")
	}
}
