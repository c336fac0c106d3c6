using Handwritten.Runtime.Output;
using Handwritten.Runtime.Settings;
using Xunit;

namespace Handwritten.Runtime.Tests.Settings;

public sealed class SettingTests
{
    public static TheoryData<string> Names { get; } = [.. TranscriptionSettings.All.Select(setting => setting.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void What_is_shown_can_be_read_again_and_changes_nothing(string name)
    {
        Setting<TranscriptionChoice> setting = TranscriptionSettings.All.Single(one => one.Name == name);
        TranscriptionChoice initially = new();
        string shown = setting.Show(initially);
        if (shown.Length > 0) // a language or a text that nobody has chosen is shown as nothing
        {
            Assert.Equal(shown, setting.Show(setting.Apply(initially, name, shown)));
        }
    }

    [Theory]
    [InlineData("beam_size", "7", "7")]
    [InlineData("beam_size", "none", "None")]
    [InlineData("language", "German", "de")]
    [InlineData("task", "translate", "translate")]
    [InlineData("temperature", "0.25", "0.25")]
    [InlineData("seed", "18446744073709551615", "18446744073709551615")]
    [InlineData("suppress_tokens", "-1, 50", "-1,50")]
    [InlineData("suppress_tokens", "", "")]
    [InlineData("clip_timestamps", "1.5,3", "1.5,3")]
    [InlineData("word_timestamps", "TRUE", "true")]
    [InlineData("suppress_blank", "0", "false")]
    [InlineData("prompt_reset_on_temperature", "None", "None")]
    [InlineData("initial_prompt", "Namen", "Namen")]
    public void A_text_becomes_a_value(string name, string text, string expected)
    {
        Setting<TranscriptionChoice> setting = TranscriptionSettings.All.Single(one => one.Name == name);
        Assert.Equal(expected, setting.Show(setting.Apply(new TranscriptionChoice(), name, text)));
    }

    [Theory]
    [InlineData("beam_size", "0", "--x must be a whole number from 1 to 100 or None, but it is '0'.")]
    [InlineData("beam_size", "1.5", "--x must be a whole number from 1 to 100 or None, but it is '1.5'.")]
    [InlineData("patience", "nan", "--x must be a number from 0 to 1000 or None, but it is 'nan'.")]
    [InlineData("seed", "-1", "--x must be a whole number from 0 to 18446744073709551615, but it is '-1'.")]
    [InlineData("language", "Klingon", "--x must be a code such as 'en' or a name such as 'English', but it is 'Klingon'.")]
    [InlineData("task", "sing", "--x must be transcribe or translate, but it is 'sing'.")]
    [InlineData("word_timestamps", "perhaps", "--x must be true or false, but it is 'perhaps'.")]
    [InlineData("clip_timestamps", "1,-2,x", "--x must be seconds from 0 on with commas between them, but '-2' is not.")]
    public void A_text_that_stands_for_nothing_is_told_what_it_must_be(string name, string text, string sentence)
    {
        Setting<TranscriptionChoice> setting = TranscriptionSettings.All.Single(one => one.Name == name);
        Assert.Equal(sentence, Assert.Throws<SettingException>(() => setting.Apply(new TranscriptionChoice(), "--x", text)).Message);
    }

    [Fact]
    public void Temperatures_rise_to_one_as_openais_command_lets_them()
    {
        Assert.Equal([0, 0.2, 0.4, 0.6000000000000001, 0.8, 1], new TranscriptionChoice().ToOptions().Temperatures);
        Assert.Equal([0.5], new TranscriptionChoice { Temperature = 0.5, TemperatureIncrement = null }.Temperatures);
        Assert.Equal([3], new TranscriptionChoice { Temperature = 3 }.Temperatures);

        // numpy.arange(0.5, 1 + 1e-6, 0.2) and the like, as Python prints them.
        Assert.Equal([0.5, 0.7, 0.8999999999999999], new TranscriptionChoice { Temperature = 0.5 }.Temperatures);
        Assert.Equal([0.2, 0.4, 0.6000000000000001, 0.8, 1], new TranscriptionChoice { Temperature = 0.2 }.Temperatures);
        Assert.Equal([1], new TranscriptionChoice { Temperature = 1 }.Temperatures);
    }

    [Fact]
    public void Names_are_unique()
    {
        string[] names = [.. TranscriptionSettings.All.Select(setting => setting.Name), .. LayoutSettings.All.Select(setting => setting.Name)];
        Assert.Equal(names, names.Distinct());
    }

    [Fact]
    public void The_layout_of_subtitles_is_set_by_name_as_well()
    {
        WriterOptions options = LayoutSettings.All.Aggregate(new WriterOptions(), (soFar, setting) => setting.Apply(soFar, setting.Name, setting.IsFlag ? "true" : "12"));
        Assert.Equal(new WriterOptions(12, 12, true, 12), options);
    }
}
