//! Documents of people who do not exist, as they are photographed, with what stands where.
//!
//! ID cards, bank cards, waybills, tickets, forms, licence plates and screens are drawn, laid upon
//! something, seen at an angle and in uneven light, blurred, and kept as JPEG: the test material
//! for whoever finds and hides what a picture shows. Equal seeds give equal pictures on machines
//! with equal fonts. Numbers come from `invented` or have the form of a carrier, hospital or
//! school that does not exist; portraits are drawn ellipses and resemble nobody.
//!
//! What a program finds in them belongs to `bench/sight`.

mod cards;
mod code128;
mod dice;
mod page;
mod papers;
mod photo;
mod views;

use liuhen_invented::{Generator, Person};
pub use liuhen_picture::FontError;

use dice::Dice;
use page::{Fonts, Page};
use photo::Shot;

/// What is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sort {
    /// The side of an ID card with portrait and number.
    IdFront,
    /// The side of an ID card with issuer and validity.
    IdBack,
    /// A bank card.
    BankCard,
    /// A courier's waybill of two parties.
    Waybill,
    /// A train ticket.
    Train,
    /// A boarding pass.
    Boarding,
    /// A car with a blue plate.
    PlateBlue,
    /// A car with a green plate.
    PlateGreen,
    /// A monitor with a table of persons.
    Screen,
    /// A hospital's form.
    Hospital,
    /// A school's form.
    School,
}

impl Sort {
    /// Every sort, in the order in which [`cards`] makes them.
    pub const ALL: [Sort; 11] = [
        Sort::IdFront,
        Sort::Waybill,
        Sort::Train,
        Sort::PlateBlue,
        Sort::BankCard,
        Sort::Hospital,
        Sort::Screen,
        Sort::Boarding,
        Sort::PlateGreen,
        Sort::School,
        Sort::IdBack,
    ];

    /// A short name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Sort::IdFront => "ID card, front",
            Sort::IdBack => "ID card, back",
            Sort::BankCard => "bank card",
            Sort::Waybill => "waybill",
            Sort::Train => "train ticket",
            Sort::Boarding => "boarding pass",
            Sort::PlateBlue => "blue plate",
            Sort::PlateGreen => "green plate",
            Sort::Screen => "screen",
            Sort::Hospital => "hospital form",
            Sort::School => "school form",
        }
    }

    fn is_plate(self) -> bool {
        matches!(self, Sort::PlateBlue | Sort::PlateGreen)
    }

    /// The least longest side at which a person still reads it, in pixels.
    fn least_side(self) -> f32 {
        match self {
            Sort::IdFront | Sort::IdBack | Sort::BankCard => 600.0,
            Sort::PlateBlue | Sort::PlateGreen => 600.0,
            Sort::Train => 700.0,
            Sort::Waybill => 900.0,
            Sort::Boarding | Sort::Hospital | Sort::School => 1_000.0,
            Sort::Screen => 1_200.0,
        }
    }
}

/// Something about a person in a picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// The name of its kind in `liuhen-kinds`.
    pub kind: &'static str,
    /// What it says, as it is printed.
    pub text: String,
    /// Around its ink, a quadrilateral for each line: top left, top right, bottom right, bottom
    /// left as it is read, each x and y in pixels from the top left of the picture.
    pub places: Vec<[[f32; 2]; 4]>,
    /// Whether it is a QR or bar code that says so.
    pub code: bool,
    /// The most that reflected light adds over it, as a share of white.
    pub glare: f32,
}

/// What was done to a picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spoilt {
    /// Of JPEG, 40 to 95.
    pub quality: u8,
    /// Turned clockwise by quarters.
    pub quarters: u8,
    /// Turned by these degrees more.
    pub angle: f32,
    /// Standard deviation of the noise, of 255.
    pub noise: f32,
    /// Of the most that letters are blurred by, about a twentieth of their height: 0 to 1.
    pub blur: f32,
    /// How much brighter one side is than the other, as a share.
    pub unevenness: f32,
    /// What reflected light adds in its middle, as a share of white.
    pub glare: f32,
    /// Whether it was aimed at a field.
    pub glare_on_field: bool,
}

/// A photograph and its truth.
#[derive(Clone, Debug, PartialEq)]
pub struct Photo {
    /// What is shown.
    pub sort: Sort,
    /// JPEG.
    pub bytes: Vec<u8>,
    /// Pixels a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Everything about a person that it shows.
    pub fields: Vec<Field>,
    /// How it was taken.
    pub spoilt: Spoilt,
}

/// Photographs, made one after another.
pub struct Cards {
    fonts: Fonts,
    people: Generator,
    seed: u64,
    next: u64,
    count: u64,
}

/// `count` photographs of all sorts in turn. The picture at a place follows from seed and place
/// alone.
///
/// # Errors
///
/// [`FontError::NotFound`] where no font has Chinese; it says what to install.
pub fn cards(seed: u64, count: u64) -> Result<Cards, FontError> {
    Ok(Cards {
        fonts: Fonts::find()?,
        people: Generator::new(seed),
        seed,
        next: 0,
        count,
    })
}

impl std::fmt::Debug for Cards {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Cards({} of {})", self.next, self.count)
    }
}

impl Iterator for Cards {
    type Item = Photo;

    fn next(&mut self) -> Option<Photo> {
        let at = self.next;
        (at < self.count).then(|| {
            self.next += 1;
            self.photo(at)
        })
    }
}

impl Cards {
    /// The photograph at a place, whichever were asked for before.
    #[must_use]
    pub fn photo(&self, at: u64) -> Photo {
        let sorts = Sort::ALL.len() as u64;
        let sort = Sort::ALL[usize::try_from(at % sorts).unwrap_or(0)];
        let mut dice = Dice::new(self.seed, at);
        let shot = Shot::of(sort, &mut dice);
        let size = sort.size();
        let page = self.page(sort, shot.scale(size), at, &mut dice);
        shot.take(sort, size, &page, &mut dice)
    }

    fn page(&self, sort: Sort, scale: f32, at: u64, dice: &mut Dice) -> Page<'_> {
        let fonts = &self.fonts;
        // Sixteen people belong to each picture, so that no two pictures share one.
        let person = |number: u64| self.people.person_at(at * 16 + number);
        let one = person(0);
        match sort {
            Sort::IdFront => cards::id_front(fonts, scale, &one, dice),
            Sort::IdBack => cards::id_back(fonts, scale, &one, dice),
            Sort::BankCard => cards::bank(fonts, scale, &one, dice),
            Sort::Waybill => papers::waybill(fonts, scale, [&one, &person(1)], dice),
            Sort::Train => papers::train(fonts, scale, &one, dice),
            Sort::Boarding => papers::boarding(fonts, scale, &one, dice),
            Sort::PlateBlue => views::plate(fonts, scale, &one, false, dice),
            Sort::PlateGreen => views::plate(fonts, scale, &one, true, dice),
            Sort::Hospital => papers::hospital(fonts, scale, &one, dice),
            Sort::School => papers::school(fonts, scale, [&one, &person(1)], dice),
            Sort::Screen => {
                let rows = 6 + dice.below(7) as u64;
                let people: Vec<Person> = (0..rows).map(person).collect();
                views::screen(fonts, scale, &people, dice)
            }
        }
    }
}

impl Sort {
    /// Width and height of its page, in units of its own.
    fn size(self) -> [f32; 2] {
        match self {
            Sort::IdFront | Sort::IdBack | Sort::BankCard | Sort::Train => cards::CARD,
            Sort::Waybill => papers::WAYBILL,
            Sort::Boarding => papers::BOARDING,
            Sort::PlateBlue | Sort::PlateGreen => views::CAR,
            Sort::Screen => views::MONITOR,
            Sort::Hospital | Sort::School => papers::FORM,
        }
    }
}
