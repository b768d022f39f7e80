using System.Text;
using PoolHub.Daemon.Matching;

namespace PoolHub.Tests.Matching;

public sealed class RecentTextsTests
{
    [Fact]
    public void Text_is_the_one_asked_for_however_many_share_its_place()
    {
        string[] texts = ["", "a", "cuda", "low-latency", new('x', 128), .. Enumerable.Range(0, 5_000).Select(i => $"some-model-{i}-with-the-same-ends")];
        Assert.All(texts, text => Assert.Equal(text, Get(text)));
        Assert.All(texts, text => Assert.Equal(text, Get(text)));
    }

    [Fact]
    public void Text_that_comes_again_is_the_same_one() => Assert.Same(Get("only-in-this-test"), Get("only-in-this-test"));

    private static string Get(string text) => RecentTexts.Get(Encoding.ASCII.GetBytes(text));
}
