using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using CsCheck;
using PoolHub.Daemon.Matching;
using PoolHub.Protocol;
using PoolHub.Protocol.Http;

namespace PoolHub.Tests.Matching;

/// <summary>Every value comes out as the serializer writes it.</summary>
public sealed class JsonBufferTests
{
    private static readonly JsonSerializerOptions s_asAnswered =
        new(HubJson.Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    [Fact]
    public void Texts_are_quoted_and_escaped_alike() =>
        Gen.OneOf(Gen.String[Gen.Char[' ', '~'], 0, 40], Gen.String[Gen.Char['\0', '\uD7FF'], 0, 40], Gen.Const("\ud83d\ude80 \"\\</\n"))
            .Sample(text => Assert.Equal(JsonSerializer.Serialize(text, s_asAnswered), Written(json => json.Text(text))));

    [Fact]
    public void Numbers_are_written_alike()
    {
        Gen.Int.Sample(value => Assert.Equal(JsonSerializer.Serialize(value, s_asAnswered), Written(json => json.Number(value))));
        Gen.OneOf(Gen.Double[0, 1], Gen.Double[-1e300, 1e300], Gen.Const(1e-7), Gen.Const(1.0), Gen.Const(double.Epsilon))
            .Sample(value => Assert.Equal(JsonSerializer.Serialize(value, s_asAnswered), Written(json => json.Number(value))));
    }

    [Fact]
    public void Prices_are_written_alike() =>
        Gen.OneOf(Gen.Long[0, TokenPrice.Max.E8], Gen.Long[0, 2 * TokenPrice.Unit], Gen.Int[0, 1_000].Select(cents => cents * TokenPrice.Unit / 100))
            .Sample(e8 => Assert.Equal(
                JsonSerializer.Serialize(new TokenPrice(e8), s_asAnswered), Written(json => json.Number(new TokenPrice(e8)))));

    [Fact]
    public void Hundredths_are_rounded_to_the_nearest()
    {
        for (int i = 0; i <= 1_000; i++)
        {
            string expected = (Math.Round(i / 10.0, MidpointRounding.AwayFromZero) / 100).ToString("0.00", CultureInfo.InvariantCulture);
            Assert.Equal(expected, Written(json => json.Hundredths(i / 1_000.0)));
        }
    }

    [Fact]
    public void Long_answers_have_room()
    {
        string text = new('x', 100_000);
        Assert.Equal($"\"{text}\"\"\"", Written(json =>
        {
            json.Text(text);
            json.Text("");
        }));
    }

    private static string Written(Action<JsonBuffer> write)
    {
        JsonBuffer json = JsonBuffer.Rent();
        write(json);
        string text = json.ToString();
        json.Return();
        return text;
    }
}
